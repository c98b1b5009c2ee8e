"""``python -m hawkeye_core.cli``: the command for launchers, `accelerate launch -m hawkeye_core.cli train ...`."""

from hawkeye_core.cli import main

if __name__ == "__main__":
    main()
