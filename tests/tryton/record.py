"""Stands between the tests and a real Tryton, and writes down what was asked and answered, for `tests/it/tryton.rs`:

    eval "$(tests/tryton/setup.sh up)"
    python3 tests/tryton/record.py "$SPINE_TRYTON_URL" 8040 tests/tryton/recorded.json &
    SPINE_TRYTON_URL=http://127.0.0.1:8040 cargo test --test real_tryton -- cases:: --test-threads 1
    kill %1

Sign-ins are not written down.
"""
import http.server
import json
import signal
import sys
import urllib.request

server, port, file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen = {}


class Recorder(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        headers = {name: self.headers[name] for name in ('content-type', 'authorization') if name in self.headers}
        with urllib.request.urlopen(urllib.request.Request(server + self.path, body, headers)) as response:
            answer = response.read()
        question, answered = json.loads(body), json.loads(answer)
        if question['method'] != 'common.db.login':
            seen[json.dumps([question['method'], question['params']], sort_keys=True)] = {
                'method': question['method'], 'params': question['params'],
                **{key: value for key, value in answered.items() if key != 'id'}}
        self.send_response(200)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def stop(*_):
    with open(file, 'w') as out:
        rows = ',\n'.join(json.dumps(seen[key], sort_keys=True, separators=(',', ':')) for key in sorted(seen))
        out.write(f'[\n{rows}\n]\n')
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
http.server.ThreadingHTTPServer(('127.0.0.1', port), Recorder).serve_forever()
