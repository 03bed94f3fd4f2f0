"""Steps of Simple Transformers, in an environment of its own.

Every row is padded to max_length, as that library does; rows are the same, batches its own.
"""

from __future__ import annotations

import os
import warnings

import pandas as pd
from simpletransformers.classification import (  # type: ignore[import-not-found]
    ClassificationArgs,
    ClassificationModel,
)

from contenders.stopwatch import Stopwatch
from kit import child
from kit.work import Work, read_rows


def main() -> None:
    """Warm up, wait for the others, train the rows once."""
    warnings.simplefilter("ignore")
    work = Work.from_command_line()
    os.chdir(work.scratch)  # it leaves folders of its own in the current one
    model = ClassificationModel(
        work.how,
        work.model,
        tokenizer_type="bert",
        tokenizer_name=work.model,
        num_labels=len(work.labels),
        use_cuda=work.device == "cuda",
        args=classification_args(work),
    )
    watch = Stopwatch(work.device)
    watch.watch_model(model.model)
    all_rows = read_rows(work.train)

    def train_rows(numbers: list[int]) -> None:
        rows = [all_rows[number] for number in numbers]
        model.train_model(rows_frame(rows, work), output_dir=work.scratch)

    train_rows(work.warm_up_rows)
    child.wait_for_start()
    watch.arm_for_steps(work.step_count)
    train_rows(work.rows)
    child.send_answer(watch.as_answer())


def rows_frame(rows: list[dict[str, str]], work: Work) -> pd.DataFrame:
    """Rows under the column names that the library wants."""
    data = pd.DataFrame(rows)
    data["labels"] = [work.labels.index(label) for label in data.pop("label")]
    return data.rename(columns={"text": "text_a", "second": "text_b"} if work.pair else {})


def classification_args(work: Work) -> ClassificationArgs:
    """Set the batch size, length and rate that all sides use; fp32, nothing saved or evaluated."""
    return ClassificationArgs(
        train_batch_size=work.batch_size,
        max_seq_length=work.max_length,
        learning_rate=work.rate,
        num_train_epochs=1,
        fp16=False,
        no_save=True,
        no_cache=True,
        save_model_every_epoch=False,
        save_steps=-1,
        evaluate_during_training=False,
        overwrite_output_dir=True,
        reprocess_input_data=True,
        use_multiprocessing=False,
        use_multiprocessing_for_evaluation=False,
        dataloader_num_workers=0,
        silent=True,
    )


if __name__ == "__main__":
    main()
