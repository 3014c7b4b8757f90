#!/bin/bash
# Node's modules in reach: beside the script and in the folders above, linked packages too.
. "$(dirname "$0")/tap.sh"
command -v node > node || skip_all "no node here"
node=$(readlink -f "$(cat node)")

mkdir -p all/project/src/lib all/project/node_modules/one all/node_modules/two all/project/packages/shared
cd all/project || exit 1
echo '{"name": "one", "main": "entry.js"}' > node_modules/one/package.json
echo 'module.exports = "one";' > node_modules/one/entry.js
echo 'module.exports = "two";' > ../node_modules/two/index.js
echo '{"name": "shared", "exports": "./shared.js", "type": "module"}' > packages/shared/package.json
echo 'export default "shared";' > packages/shared/shared.js
ln -s ../packages/shared node_modules/shared
echo '{"type": "module"}' > package.json
echo 'export const beside = "beside";' > src/lib/beside.js
cat > src/app.js <<'J'
import one from "one";
import two from "two";
import shared from "shared";
import { beside } from "./lib/beside.js";
console.log(one, two, shared, beside, process.argv.length);
process.exitCode = 4;
J
"$node" src/app.js a > host.out
try run -q -i e2e-node "$node" src/app.js a
ok "modules of all folders above, a workspace, the kind that package.json says" cmp out host.out
ok "and the status" is "$status" 4
cd src || exit 1
cp ../host.out .
try run -q -i e2e-node "$node" app.js a
ok "from the script's own folder" cmp out host.out
finish
