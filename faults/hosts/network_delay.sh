# A queue of ours at the interface's root, by its handle: what goes to the stated addresses takes its fourth band, where
# the delay is; all else takes the others, as it came.
inject() {
  add qdisc add dev "$interface" root handle "$handle:" prio bands 4 &&
    add qdisc add dev "$interface" parent "$handle:4" netem delay "${delay_us}us" "${jitter_us}us" || return 1
  for address in $towards; do
    case $address in
      *:*) add filter add dev "$interface" parent "$handle:" protocol ipv6 prio 2 u32 match ip6 dst "$address/128" flowid "$handle:4" ;;
      *) add filter add dev "$interface" parent "$handle:" protocol ip prio 1 u32 match ip dst "$address/32" flowid "$handle:4" ;;
    esac || return 1
  done
}

add() {
  as_root tc "$@" 2>tc.says || {
    why="tc $*: $(head -n 1 tc.says)"
    return 1
  }
}

ours() {
  tc qdisc show dev "$interface" 2>/dev/null </dev/null | grep -q "^qdisc prio $handle: root"
}

here() { ours; }

off() {
  ours || return 0
  as_root tc qdisc del dev "$interface" root handle "$handle:" >/dev/null 2>&1
  ! ours || { why="the queue $handle: is still at $interface"; return 1; }
}

tell() {
  tc qdisc show dev "$interface" 2>/dev/null </dev/null | sed 's/ refcnt [0-9]*//; s/^/queue /'
  for address in $towards; do
    answer=$(ping -q -c 3 -W 2 "$address" 2>/dev/null </dev/null | sed -n 's/^[a-z-]* min\/avg\/max[a-z/]* = [0-9.]*\/\([0-9.]*\)\/.*/\1/p')
    echo "rtt $address ${answer:-none}"
  done
}

# `netem there` or `netem missing`; nothing where the host can't say.
look_for_netem() {
  if [ -d /sys/module/sch_netem ] || modprobe -n -q sch_netem 2>/dev/null </dev/null; then
    echo 'netem there'
    return
  fi
  config=$({ zcat /proc/config.gz || cat "/boot/config-$(uname -r)"; } 2>/dev/null | grep CONFIG_NET_SCH_NETEM)
  case $config in
    *=y) echo 'netem there' ;;
    *'not set'*) echo 'netem missing' ;;
    *=m) ! command -v modprobe >/dev/null 2>&1 || echo 'netem missing' ;;
  esac
}

find() {
  needs tc ping grep head sed uname
  [ -z "$sudo" ] || needs sudo
  [ -d "/sys/class/net/$interface" ] || echo 'interface missing'
  look_for_netem
  may_as_root tc qdisc add dev "$interface" root handle "$handle:" prio bands 4
  may_as_root tc qdisc del dev "$interface" root handle "$handle:"
  tell
}
