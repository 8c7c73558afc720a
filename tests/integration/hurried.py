"""`python -m tests.integration.hurried`: the whole program, but it notices a dead upload within seconds."""

from dataclasses import replace

import frieze.run
from frieze.cli import main
from frieze.relaying import upload_settings
from frieze.settings import Settings
from relay.uploads.settings import UploadSettings


def _hurried(settings: Settings) -> UploadSettings:
    return replace(upload_settings(settings), claim=3, recover_every=0.5, roll_back=5, retry=(0.2, 0.6))


if __name__ == "__main__":
    frieze.run.upload_settings = _hurried
    main()
