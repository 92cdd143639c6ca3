memory() {
  while read -r key value _; do
    case $key in MemAvailable:) available=$value ;; MemTotal:) total=$value ;; esac
  done </proc/meminfo
}

inject() {
  memory
  if [ $((available - bytes / 1024)) -lt "$leave_kb" ]; then
    why="only $available kB are available now: less than $leave_kb kB would be left"
    return 1
  fi
  start_child hold || { why='the memory could not be taken'; return 1; }
}

# Blocks of a GiB at most, each held by a dd that can't write on: the pipe's only reader is this process, so that
# they all end with it. Should memory run out, the kernel is to choose them first.
role_hold() {
  trap '' HUP
  read -r over <over || exit 9
  { echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null
  mkfifo pipe && exec 9<>pipe 8>pipe && rm pipe || exit 9
  rest=$bytes
  while [ "$rest" -gt 0 ]; do
    block=$((rest < 1073741824 ? rest : 1073741824))
    dd if=/dev/zero bs="$block" count=1 iflag=fullblock </dev/null >&8 2>/dev/null 9<&- 8>&- &
    name_process $! "child.$!" || exit 9
    rest=$((rest - block))
  done
  exec 8>&-
  name_process $$ "child.$$" || exit 9
  while guarded; do sleep 0.5; done
}

here() { all_children; }
off() { end_children; }

tell() {
  memory
  held=0
  children
  for file in $files; do
    named "$file" && alive "$pid" "$began" || continue
    while read -r key value _; do
      case $key in RssAnon: | VmSwap:) held=$((held + value)) ;; esac
    done <"/proc/$pid/status"
  done
  echo "available $available"
  echo "total $total"
  echo "held $held"
}

find() {
  needs mkfifo
  tell
}
