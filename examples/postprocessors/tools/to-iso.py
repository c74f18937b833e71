"""An external postprocessor: adds the files of the layout's first layer, a tar, to the artifact as an ISO image."""

import json
import os
import subprocess
import sys


def say(**message):
    print(json.dumps(message), flush=True)


def blob(descriptor):
    return os.path.join(request["layout"], "blobs", *descriptor["digest"].split(":"))


request = json.loads(sys.stdin.readline())
if request["version"] != 1:
    sys.exit("this postprocessor speaks version 1 of the protocol")

named = next(one for one in request["manifests"] if "org.opencontainers.image.ref.name" in one.get("annotations", {}))
with open(blob(named)) as file:
    layers = json.load(file)["layers"]

say(type="log", message=f"making an ISO image of {layers[0]['digest']}")
os.mkdir("/tmp/files")
subprocess.run(["tar", "-xf", blob(layers[0]), "-C", "/tmp/files"], stdout=sys.stderr, check=True)

subprocess.run(
    ["xorriso", "-as", "mkisofs", "-quiet", "-R", "-uid", "0", "-gid", "0"]
    + ["-V", request["options"].get("volume", "PORTKIT"), "-o", "/out/image.iso", "/tmp/files"],
    # By this xorriso chooses every time and identity that it would else take from the clock.
    env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
    stdout=sys.stderr,
    check=True,
)
say(type="progress", done=1, total=1)

iso = {"path": "image.iso", "mediaType": "application/x-iso9660-image", "name": "image.iso"}
say(type="result", manifest={"layers": [*layers, iso]})
