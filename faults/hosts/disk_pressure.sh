inject() {
  space_left || return 1
  start_child fill || { why="no file could be made under $path"; return 1; }
}

role_fill() {
  trap '' HUP
  read -r over <over && open_file && name_process $$ "child.$$" || exit 9
  if ! fallocate -l "$bytes" /proc/self/fd/9 2>/dev/null; then
    blocks=$((bytes / 1048576))
    while [ "$blocks" -gt 0 ] && guarded; do
      dd if=/dev/zero bs=1048576 count=$((blocks < 16 ? blocks : 16)) </dev/null >&9 2>/dev/null || break
      blocks=$((blocks - 16))
    done
  fi
  while guarded; do sleep 0.5; done
}

tell() {
  space
  echo "free $free"
  held=0
  children
  for file in $files; do
    named "$file" && alive "$pid" "$began" || continue
    blocks=$(stat -L -c %b "/proc/$pid/fd/9" 2>/dev/null) && held=$((held + blocks / 2))
  done
  echo "held $held"
}

find() {
  needs stat
  find_file
}
