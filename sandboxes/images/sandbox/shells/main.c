/* One binary, two roles:
 *
 *   lab-shells serve    the holder, started by the sandbox's init
 *   lab-shells attach   lends the holder its stdin and stdout; the web runs it by `docker exec`
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frames.h"
#include "holder.h"

/* Gives the holder our input and output, as SCM_RIGHTS (unix(7)): from then on it reads and writes them itself. */
static int give_streams(int fd) {
    int streams[STREAMS] = {STDIN_FILENO, STDOUT_FILENO};
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof streams)]; } control = {0};
    struct iovec word = {.iov_base = "", .iov_len = 1};
    struct msghdr message = {.msg_iov = &word, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof streams);
    memcpy(CMSG_DATA(rights), streams, sizeof streams);
    return sendmsg(fd, &message, 0) == 1 ? 0 : -1;
}

/* Stays for as long as the holder wants the streams: they are the engine's while this process lives. */
static int attach(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
    char nothing;
    int fd = -1;
    /* A sandbox that has just been started may not have its holder yet: 5 s at most. */
    for (int tries = 0; tries < 250; tries++) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof address)) break;
        close(fd);
        fd = -1;
        usleep(20000);
    }
    if (fd < 0 || give_streams(fd)) { perror("lab-shells attach"); return 1; }
    while (read(fd, &nothing, 1) < 0 && errno == EINTR) {}
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "serve")) return serve();
    if (argc == 2 && !strcmp(argv[1], "attach")) return attach();
    fprintf(stderr, "usage: lab-shells serve|attach\n");
    return 2;
}
