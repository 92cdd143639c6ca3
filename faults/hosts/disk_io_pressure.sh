inject() {
  space_left || return 1
  start_child write || { why="no file could be made under $path"; return 1; }
}

role_write() {
  trap '' HUP
  read -r over <over && open_file && name_process $$ "child.$$" || exit 9
  while guarded; do
    dd if=/dev/zero of=/proc/self/fd/9 bs=65536 count=$((bytes / 65536)) conv=notrunc,fsync </dev/null 2>/dev/null || break
    sleep "$pause_s"
  done
}

# The bytes that the writer and those whom it has waited for sent to a disk.
written() {
  wrote=0
  children
  for file in $files; do
    named "$file" && alive "$pid" "$began" || continue
    while read -r key value; do
      [ "$key" != write_bytes: ] || wrote=$((wrote + value))
    done <"/proc/$pid/io"
  done
}

tell() {
  written
  wrote_before=$wrote
  sleep 1
  written
  echo "written $((wrote - wrote_before))"
}

find() {
  [ -r /proc/self/io ] || echo 'lacks /proc/self/io'
  find_file
}
