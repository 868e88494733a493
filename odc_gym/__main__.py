"""Command line by `python -m odc_gym`."""

from odc_gym.cli import main

if __name__ == "__main__":
    main()
