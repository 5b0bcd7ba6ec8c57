#!/usr/bin/env python3
"""Writes down what is measured, on what, and when: run/about.json."""
import json
import os
import platform
import subprocess
import time

import rig

PACKAGES = {
    "mercurius": [("js", "mercurius"), ("js", "fastify")],
    "apollo": [("js", "@apollo/server")],
    "yoga": [("js", "graphql-yoga")],
    "tailcall": [("tailcall", "@tailcallhq/core-linux-x64-gnu")],
    "hive": [("hive", "@graphql-hive/gateway"), ("hive", "@omnigraph/openapi")],
}


def said(*command):
    """The first line of what a command says."""
    node = os.path.join(rig.HERE, "peers/node/node_modules/.bin")
    env = {**os.environ, "PATH": f"{node}:{os.environ['PATH']}"}
    try:
        done = subprocess.run(command, cwd=rig.HERE, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not there"
    return (done.stdout + done.stderr).strip().split("\n")[0]


def field(path, name):
    with open(path, encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith(name)), "unknown")


def package(folder, name):
    try:
        return rig.load(f"peers/{folder}/node_modules/{name}/package.json")["version"]
    except FileNotFoundError:
        return "not there"


def about():
    with open("/proc/sys/kernel/osrelease", encoding="ascii") as file:
        kernel = file.read().strip()
    versions = {
        "Spine": said(rig.SPINE, "--version").removeprefix("spine "),
        "Rust": said("rustc", "--version").removeprefix("rustc "),
        "Node of the servers": said("node", "--version"),
        "wrk": said("wrk", "-v").split(" [")[0].removeprefix("wrk "),
        "valgrind": said("valgrind", "--version").removeprefix("valgrind-"),
    }
    for server, packages in PACKAGES.items():
        title = rig.SERVERS[server]["title"]
        versions[title] = ", ".join(f"{name} {package(folder, name)}" for folder, name in packages)
    return {
        "commit": said("git", "rev-parse", "--short=12", "HEAD"),
        # Whether something of what is measured was changed and not committed.
        "changed": bool(said("git", "status", "--porcelain", "--", "../src", "../Cargo.lock", ".")),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cores": os.cpu_count(),
        "processor": field("/proc/cpuinfo", "model name"),
        "memory_gb": round(int(field("/proc/meminfo", "MemTotal").split()[0]) / 2**20),
        "system": f"{release()}, Linux {kernel}, {platform.machine()}",
        "versions": versions,
    }


def release():
    with open("/etc/os-release", encoding="utf-8") as file:
        return next((line.split("=", 1)[1].strip().strip('"') for line in file if line.startswith("PRETTY_NAME")), "")


def main():
    os.makedirs(rig.RUN, exist_ok=True)
    with open(os.path.join(rig.RUN, "about.json"), "w", encoding="utf-8") as file:
        json.dump(about(), file, indent=1)


if __name__ == "__main__":
    main()
