"""A stand-in for the object store: `rclone serve s3` with the keys of SeaweedFS' file; buckets are folders."""

import json
import os
import sys
from pathlib import Path

options = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
(key,) = json.loads(Path(options["s3.config"]).read_text())["identities"][0]["credentials"]
os.execv(
    "/standin/rclone",
    [
        "rclone",
        "serve",
        "s3",
        options["dir"],
        "--addr",
        f":{options['s3.port']}",
        "--auth-key",
        f"{key['accessKey']},{key['secretKey']}",
        "--config",
        "/dev/null",
        "--dir-cache-time",
        "1s",
    ],
)
