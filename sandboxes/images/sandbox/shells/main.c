/* One binary, two roles:
 *
 *   lab-shells serve    the holder, started by the sandbox's init
 *   lab-shells attach   relays stdin and stdout to the holder; the web runs it by `docker exec`
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "frames.h"
#include "holder.h"

static int write_all(int fd, const char *bytes, size_t count) {
    while (count) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return -1;
        bytes += done;
        count -= (size_t)done;
    }
    return 0;
}

static int attach(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
    int fd = -1;
    /* A sandbox that has just been started may not have its holder yet: 5 s at most. */
    for (int tries = 0; tries < 250; tries++) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof address)) break;
        close(fd);
        fd = -1;
        usleep(20000);
    }
    if (fd < 0) { perror("lab-shells attach"); return 1; }
    struct pollfd polls[2] = {{STDIN_FILENO, POLLIN, 0}, {fd, POLLIN, 0}};
    char chunk[65536];
    for (;;) {
        if (poll(polls, 2, -1) < 0 && errno != EINTR) return 1;
        for (int i = 0; i < 2; i++) {
            if (!polls[i].revents) continue;
            ssize_t count = read(polls[i].fd, chunk, sizeof chunk);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return 0;
            if (write_all(i ? STDOUT_FILENO : fd, chunk, (size_t)count)) return 0;
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "serve")) return serve();
    if (argc == 2 && !strcmp(argv[1], "attach")) return attach();
    fprintf(stderr, "usage: lab-shells serve|attach\n");
    return 2;
}
