"""The database of a session: Optuna's tables in one SQLite file, in WAL mode."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import optuna
from optuna.storages import RDBStorage

from tuner.errors import TunerError

BUSY_SECONDS = 30.0
_OPTUNA_TABLES = {"studies", "trials", "version_info"}
# The file is opened by `_connect`; a path put into the URL itself would break at "?" and "{".
_URL = "sqlite:///study.db"


def open_study_storage(database: Path) -> RDBStorage:
    """Open the storage in this file, created with mode 0600 where there is none.

    WAL lets a reader such as optuna-dashboard look on without ever locking the writer out.

    Raises TunerError when the file cannot be used: not SQLite, damaged, another program's
    database, written by an incompatible Optuna, not writable, or held by another writer.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if database.is_dir():
        raise _unusable_database_error(database, "is a folder")
    try:
        database.touch(mode=0o600, exist_ok=True)
        made_by = _check_database(database)
        return RDBStorage(
            _URL,
            engine_kwargs={"creator": partial(_connect_database, database)},
            # Optuna reads all its migrations to compare versions; its own tables need none of it.
            skip_compatibility_check=made_by in (None, optuna.__version__),
        )
    except sqlite3.OperationalError as error:
        raise TunerError(f"{database} cannot be written: {error}") from error
    except sqlite3.DatabaseError as error:
        raise _unusable_database_error(
            database, f"is damaged or not an SQLite database ({error})"
        ) from error
    except OSError as error:
        raise TunerError(f"{database} cannot be written: {error.strerror}") from error
    except RuntimeError as error:  # what Optuna raises for a schema that it does not know
        raise TunerError(
            f"{database} was written by another version of Optuna than {optuna.__version__}: "
            f"install that version, or run `optuna storage upgrade` on a copy of the file"
        ) from error


def _connect_database(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(os.fspath(database), timeout=BUSY_SECONDS, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _check_database(database: Path) -> str | None:
    """Return the version of Optuna that made the tables; None where there are none yet."""
    with closing(_connect_database(database)) as connection:
        check_result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if check_result != "ok":
            raise _unusable_database_error(
                database, f"is damaged ({str(check_result).splitlines()[0]})"
            )
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if not names:
            return None
        if not names & _OPTUNA_TABLES:
            raise _unusable_database_error(database, "is the database of another program")
        if "version_info" not in names:
            return None
        row = connection.execute("SELECT library_version FROM version_info").fetchone()
        return str(row[0]) if row else None


def _unusable_database_error(database: Path, what: str) -> TunerError:
    return TunerError(f"{database} {what}: replace it with an intact copy, or make a new session")
