"""`python3 -m pai.runtime.prepare`: do all of it, or say in one line why not and exit 1."""

import os
import sys
from pathlib import Path

import msgspec

from pai.errors import PaiError
from pai.ir.prepare import PREPARE_PLAN_PATH, PreparePlan
from pai.runtime.prepare.packets import apply_rules
from pai.runtime.prepare.run_volume import fill_run_volume
from pai.runtime.prepare.volumes import check_writable, own_fresh_volumes


def main() -> int:
    """Run the step; rules first, so that nothing later can leave them out."""
    try:
        plan = msgspec.json.decode(Path(PREPARE_PLAN_PATH).read_bytes(), type=PreparePlan)
        if plan.rules:
            apply_rules(plan.sidecar_uid, plan.inbound_ports)
            own_fresh_volumes(plan.volumes)
        else:  # no privilege to own anything: the engine must have done it
            check_writable(plan.volumes, os.getgroups())
        fill_run_volume(plan)
    except PaiError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"hint:  {error.hint}", file=sys.stderr)
        return 1
    except (OSError, msgspec.DecodeError) as error:
        print(f"error: prepare: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
