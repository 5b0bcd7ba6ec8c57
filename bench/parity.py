#!/usr/bin/env python3
"""Starts the stub and the servers (PEERS, all unless told), and lets parity.mjs compare what they answer."""
import subprocess
import sys

import rig


def main():
    stub, servers = rig.Stub(), []
    try:
        for name in rig.choice("PEERS", ",".join(rig.SERVERS)):
            servers.append(rig.Server(name))
        names = [word for server in servers for word in (server.name, server.url)]
        return subprocess.run(["node", "parity.mjs", *names], cwd=rig.HERE, check=False).returncode
    finally:
        for process in [*servers, stub]:
            process.stop()


if __name__ == "__main__":
    sys.exit(main())
