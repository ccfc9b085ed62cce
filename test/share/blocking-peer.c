/*
 * A peer whose descriptors block every process that does more with them than read their names:
 *
 *	blocking-peer PATH lingering-socket SECONDS	closing it waits for SECONDS
 *	blocking-peer PATH stalled-file SECONDS		a file in user space that answers nothing for SECONDS
 *	blocking-peer PATH busy-epoll SECONDS		an epoll descriptor whose lock is held for SECONDS
 *
 * It sends the descriptor as a memfd of a page, so that the receiver's is the last one, and waits for the end.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "dmabuf-share.h"

static int lingering_socket(int seconds)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct linger linger = { .l_onoff = 1, .l_linger = seconds };
	socklen_t length = sizeof(address);
	static char bytes[1 << 16];
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (void *)&address, sizeof(address)) || listen(listener, 1) ||
	    getsockname(listener, (void *)&address, &length) || connect(client, (void *)&address, length))
		err(1, "loopback");
	/* Never read. */
	if (accept(listener, NULL, NULL) < 0)
		err(1, "accept");
	while (send(client, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	if (setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		err(1, "SO_LINGER");
	return client;
}

static void reply(int fuse, uint64_t unique, int error, void *body, size_t length)
{
	struct fuse_out_header header = { .len = sizeof(header) + length, .error = error, .unique = unique };
	struct iovec parts[] = { { &header, sizeof(header) }, { body, length } };

	if (writev(fuse, parts, length ? 2 : 1) < 0)
		err(1, "reply");
}

/* Answers until the file is open, and nothing afterwards: it ends, and its file system with it, after SECONDS. */
static void serve(int fuse, int seconds)
{
	static char request[1 << 17];
	struct fuse_in_header *header = (void *)request;
	struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 4096 };
	struct fuse_attr_out attributes = { .attr = { .ino = 1, .mode = S_IFREG | 0666, .nlink = 1, .size = 4096 } };
	struct fuse_open_out opened = { .fh = 1 };

	for (;;) {
		if (read(fuse, request, sizeof(request)) < 0)
			err(1, "request");
		if (header->opcode == FUSE_INIT)
			reply(fuse, header->unique, 0, &init, sizeof(init));
		else if (header->opcode == FUSE_GETATTR)
			reply(fuse, header->unique, 0, &attributes, sizeof(attributes));
		else if (header->opcode != FUSE_OPEN)
			reply(fuse, header->unique, -ENOSYS, NULL, 0);
		else
			break;
	}
	reply(fuse, header->unique, 0, &opened, sizeof(opened));
	sleep(seconds);
	_exit(0);
}

static int stalled_file(int seconds)
{
	char options[100], target[] = "/tmp/dmabuf-stalled-XXXXXX";
	int fuse = open("/dev/fuse", O_RDWR), file = mkstemp(target);

	if (fuse < 0 || file < 0)
		err(1, "/dev/fuse");
	/* In a mount namespace of its own, invisible to other processes. */
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err(1, "mount namespace");
	snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0", fuse);
	if (mount("stalled", target, "fuse", 0, options))
		err(1, "mount");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(fuse, seconds);
	}
	close(fuse);
	close(file);
	file = open(target, O_RDWR);
	if (file < 0)
		err(1, "open");
	if (umount2(target, MNT_DETACH) || unlink(target))
		err(1, "umount");
	return file;
}

/* Another process waits at the epoll descriptor for the stalled file, and holds its lock as long as that does not answer. */
static int busy_epoll(int seconds)
{
	int file = stalled_file(seconds), epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	int pipes[2];

	if (epoll < 0 || pipe(pipes) || epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[0], &event))
		err(1, "epoll");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event);
		_exit(0);
	}
	usleep(100000);
	return epoll;
}

static void send_descriptor(int socket, int fd)
{
	struct {
		struct dmabuf_share_header header;
		struct dmabuf_share_descriptor descriptor;
	} message = {
		.header = { .magic = DMABUF_SHARE_MAGIC, .version = DMABUF_SHARE_VERSION, .descriptor_count = 1 },
		.descriptor = { .kind = DMABUF_SHARE_MEMFD, .length = 4096 },
	};
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec part = { &message, sizeof(message) };
	struct msghdr packet = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(socket, &packet, 0) < 0)
		err(1, "sendmsg");
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct pollfd end = { .events = POLLRDHUP };
	int seconds = argc == 4 ? atoi(argv[3]) : 0, fd;

	if (seconds == 0)
		errx(2, "usage: blocking-peer PATH KIND SECONDS");
	if (!strcmp(argv[2], "lingering-socket"))
		fd = lingering_socket(seconds);
	else if (!strcmp(argv[2], "stalled-file"))
		fd = stalled_file(seconds);
	else
		fd = busy_epoll(seconds);
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	end.fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (connect(end.fd, (void *)&address, sizeof(address)))
		err(1, "connect");
	send_descriptor(end.fd, fd);
	/* Not this end's close is to wait, but the receiver's. A file's close would wait here as well: it stays open. */
	if (!strcmp(argv[2], "lingering-socket"))
		close(fd);
	poll(&end, 1, -1);
	return 0;
}
