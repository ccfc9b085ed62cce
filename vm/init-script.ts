/** The names of a guest's channels to the host: virtio ports, which this script finds by name. */
export const CHANNELS = { control: 'control', stdout: 'stdout', stderr: 'stderr', screens: 'screens' } as const;

/** The folder of the compiled package in a guest. */
export const PACKAGE_FOLDER = '/dmabuf';

/** The guest's command, written for each boot: a shell script. */
export const COMMAND_PATH = '/guest/command';

/** Exists when the command wants a terminal. */
export const TERMINAL_PATH = '/guest/terminal';

/** What the control channel says before the command runs. */
export const BEGUN = 'begun';

/** A line in the kernel's log: everything after it happened while the command ran. */
const COMMAND_MARK = 'dmabuf-guest: the command begins';

/**
 * Process 1 of a guest: mounts, runs the command, reports its exit status, and switches the machine
 * off.
 */
export const INIT_SCRIPT: string = `#!/bin/sh
export PATH=/bin HOME=/root NODE_NO_WARNINGS=1
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /root /run /tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo '+memory +pids' >/sys/fs/cgroup/cgroup.subtree_control
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
hostname dmabuf-guest
# Two tracers run all the time, without recording anything. The kernel patches its scheduler and its
# page allocator when the first trace begins and when the last ends, and an emulator's second
# processor sometimes crashes at that ("Oops: int3" in __schedule). Two, because the second changes
# the call of an event permanently: from one listener to a list of them.
for name in first second; do
  steady=/sys/kernel/tracing/instances/steady-$name
  mkdir $steady
  echo 'common_pid == -1' >$steady/events/kmem/mm_page_alloc/filter
  echo 1 >$steady/events/kmem/mm_page_alloc/enable
done
ip link set lo up
modprobe -q virtio_pci
modprobe -q virtio_console
modprobe -q virtio_net
# Where a port is forwarded: the emulator's network has this machine's address, and its packets are
# for loopback.
if [ -e /sys/class/net/eth0 ]; then
  ip addr add 10.0.2.15/24 dev eth0
  ip link set eth0 up
  echo 1 >/proc/sys/net/ipv4/conf/eth0/route_localnet
fi

mkdir -p /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
  ln -s "/dev/\${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
done
exec 3>/dev/virtio-ports/${CHANNELS.control}
cd ${PACKAGE_FOLDER}
echo '${COMMAND_MARK}' >/dev/kmsg
echo ${BEGUN} >&3

if [ -e ${TERMINAL_PATH} ]; then
  setsid -c sh ${COMMAND_PATH} </dev/hvc0 >/dev/hvc0 2>&1 3>&-
  status=$?
else
  # Pipes, because a port can be opened only once: /dev/stderr could not be.
  mkfifo /run/stdout /run/stderr
  cat /run/stdout >/dev/virtio-ports/${CHANNELS.stdout} 3>&- &
  first=$!
  cat /run/stderr >/dev/virtio-ports/${CHANNELS.stderr} 3>&- &
  second=$!
  sh ${COMMAND_PATH} </dev/null >/run/stdout 2>/run/stderr 3>&-
  status=$?
  # Processes that the command left running may keep the pipes open forever.
  (sleep 5; kill $first $second) 3>&- &
  wait $first $second
fi

[ $status -gt 128 ] && dmesg | sed '1,/${COMMAND_MARK}/d' | tail -n 40 >/dev/console
echo "status $status" >&3
poweroff -f
`;
