inject() {
  started=0
  while [ "$started" -lt "$loops" ]; do
    start_child busy || { why='a busy loop did not start'; return 1; }
    started=$((started + 1))
  done
}

role_busy() {
  trap '' HUP
  read -r over <over && name_process $$ "child.$$" || exit 9
  while guarded; do
    i=0
    while [ "$i" -lt 20000 ]; do i=$((i + 1)); done
  done
}

here() { all_children; }
off() { end_children; }

# In ticks: what the processors had to give, and what they gave; and what the loops took.
sample() {
  read -r _ user nice system idle iowait irq softirq steal _ </proc/stat
  busy=$((user + nice + system + irq + softirq + steal))
  loops_had=0 loops_are=0
  children
  for file in $files; do
    named "$file" && alive "$pid" "$began" || continue
    # shellcheck disable=SC2086
    set -- ${line##*) }
    loops_had=$((loops_had + ${12} + ${13})) loops_are=$((loops_are + 1))
  done
}

tell() {
  sample
  busy_before=$busy all_before=$((busy + idle + iowait)) had_before=$loops_had
  sleep 0.5
  sample
  echo "ticks $((busy - busy_before)) $((busy + idle + iowait - all_before))"
  echo "loops $loops_are $((loops_had - had_before))"
}

find() {
  cpus=0
  while read -r name _; do
    case $name in cpu[0-9]*) cpus=$((cpus + 1)) ;; esac
  done </proc/stat
  echo "cpus $cpus"
}
