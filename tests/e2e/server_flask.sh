#!/bin/bash
# Flask, by `flask run` and by waitress.
. "$(dirname "$0")/server.sh"
needs curl python:flask python:waitress archive
cp -a "$top"/examples/flask/* .
export python

same_flask() { # NAME CONFIG SERVE
    serve=$3
    on_linux 8080 $python "$here/servers/flask.py" 8080
    port=$(free_port)
    start pkg load python -p "$port:8080" -c "$2"
    $python "$here/servers/flask.py" "$port" > guest.seen 2> guest.client.err
    stop
    same_served "$1"
}
same_flask "flask run" config.json 'exec $python -m flask run --host 0.0.0.0 --port 8080'
same_flask waitress waitress.json 'exec $python -m waitress --listen 0.0.0.0:8080 --threads 4 app:app'

cat > debug.json <<'P'
{"Packages": ["python3-flask"], "Files": ["app.py"], "Args": ["-m", "flask", "--debug", "run", "--host", "0.0.0.0", "--port", "8080"]}
P
port=$(free_port)
try pkg load python -p "$port:8080" -c debug.json
ok "debug mode: the cause is named" has err "orris: a second process is never started in this machine"
ok "and what to do" has err "a switch for threads"
port=$(free_port)
start pkg load python -p "$port:8080" -c debug.json -a --no-reload
curl -sS "http://127.0.0.1:$port/notes/0" > got 2> err
stop
ok "debug mode without the reloader works" has got "water the irises"
finish
