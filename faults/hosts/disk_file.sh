# A file that has no name any more, open as 9 in a process of ours: it is gone when that process is.
open_file() {
  mkdir "$path/$file_folder" || return 1
  : >"$path/$file_folder/file" && exec 9<>"$path/$file_folder/file"
  opened=$?
  rm -f "$path/$file_folder/file"
  rmdir "$path/$file_folder"
  return "$opened"
}

# It has its name for a moment only; who was killed in that moment left it.
remove_file() {
  [ -d "$path/$file_folder" ] && [ ! -L "$path/$file_folder" ] && [ -O "$path/$file_folder" ] || return 0
  rm -f "$path/$file_folder/file"
  rmdir "$path/$file_folder"
}

# In kB: the size of the file system and what is free of it for us.
space() {
  # shellcheck disable=SC2046
  set -- $(df -Pk "$path" 2>/dev/null | tail -n 1)
  size=${2:-0} free=${4:-0} kind=${1:-}
}

space_left() {
  space
  [ $((free - bytes / 1024)) -ge "$leave_kb" ] && return
  why="only $free kB are free under $path now: less than $leave_kb kB would be left"
  return 1
}

here() { all_children; }

off() {
  end_children && remove_file
}

find_file() {
  needs df tail
  [ -d "$path" ] || echo 'path missing'
  [ -w "$path" ] || echo 'path closed'
  space
  echo "size $size"
  echo "free $free"
  echo "kind $kind"
}
