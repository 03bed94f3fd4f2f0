"""`python -m tuner` is the `tuner` command."""

import sys

if __name__ == "__main__":
    # Python has put the working folder first, where a user's msgspec.py would be taken for the
    # library: it goes before anything else is imported. Where tuner itself comes from there, it
    # stays, behind the libraries.
    if not sys.flags.safe_path:
        working_folder = sys.path.pop(0)
        if __file__ == f"{working_folder}/tuner/__main__.py":
            sys.path.append(working_folder)

    from tuner.cli import main

    sys.exit(main())
