// Node's http: JSON, streams in both directions, compression, and an orderly end.
'use strict';
const crypto = require('crypto');
const http = require('http');
const zlib = require('zlib');

const routes = {
  'GET /': (request, response) => response.end('Nothing but Node runs here.\n'),

  // The digest of whatever is sent, however much.
  'POST /digest': (request, response) => {
    const hash = crypto.createHash('sha256');
    let size = 0;
    request.on('data', (part) => { size += part.length; hash.update(part); });
    request.on('end', () => response.end(JSON.stringify({ size, sha256: hash.digest('hex') }) + '\n'));
  },

  'POST /echo': (request, response) => request.pipe(response),

  'GET /numbers': (request, response) => {
    response.setHeader('Content-Type', 'text/plain');
    const zipped = /gzip/.test(request.headers['accept-encoding'] || '');
    const sink = zipped ? zlib.createGzip() : response;
    if (zipped) {
      response.setHeader('Content-Encoding', 'gzip');
      sink.pipe(response);
    }
    for (let n = 0; n < 20000; n += 1000) {
      sink.write(Array.from({ length: 1000 }, (_, i) => `${n + i}\n`).join(''));
    }
    sink.end();
  },

  'GET /slow': (request, response) => {
    let n = 0;
    const timer = setInterval(() => {
      response.write(`${++n}\n`);
      if (n === 5) { clearInterval(timer); response.end(); }
    }, 20);
  },
};

const server = http.createServer((request, response) => {
  const route = routes[`${request.method} ${request.url}`];
  if (route) return route(request, response);
  response.statusCode = 404;
  response.end('no such thing\n');
});
server.keepAliveTimeout = 60000; // the default, 5 seconds, is short for an emulated machine
server.listen(8080, '0.0.0.0', () => console.log('listening on 8080'));
process.on('SIGTERM', () => server.close(() => console.log('closed')));
