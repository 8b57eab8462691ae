/* Holds the sandbox's shells: one pty, size and bounded scrollback each, whatever becomes of the
 * browser or the web server. One binary, two roles:
 *
 *   lab-shells serve    the holder, started by the sandbox's init
 *   lab-shells attach   relays stdin and stdout to the holder; the web runs it by `docker exec`
 *
 * Frames, both ways: type (1 byte), length (4 bytes, big endian), payload. See docs/terminal-protocol.md.
 *   to the holder    O open: columns, rows (2 bytes each), name   I input   S size: columns, rows
 *                    N open, numbered: columns, rows, writer, epoch, offset (8 bytes each), name
 *                    X end the shell and all of its session
 *   from the holder  R replay of the scrollback   L live from here on   D data
 *                    B numbered begin: epoch, offset, input accepted (8 bytes each), 1 if it goes on from the offset
 *                    K input accepted so far (8 bytes)
 *                    E shell ended: exit status (4 bytes)   T taken over by another client   F refused: text
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pty.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKET_PATH "/run/lab/shells.sock"
#define STUDENT "alumno"
#define FIRST_SHELL "principal"
#define MAX_SHELLS 8
#define MAX_CLIENTS 32
#define NAME_MAX_LEN 32
#define SCROLLBACK (256 * 1024)
#define FRAME_MAX (64 * 1024)
#define OUT_HIGH (64 * 1024) /* past this the pty is not read: the program waits, as in any terminal */
#define PTY_QUEUE (256 * 1024)
#define WRITERS 4           /* pages whose input is counted, per shell; the one not heard for longest gives way */
#define TELL_EVERY (16 * 1024) /* input bytes between two K */
#define HANG_UP_GRACE 1500  /* ms between HUP and KILL of a session that is to end */

struct buffer {
    char *bytes;
    size_t used, room;
};

/* Who typed how much: a page that comes back sends again only what had not arrived. */
struct writer {
    uint64_t id, accepted, heard;
};

struct shell {
    int pty;
    pid_t pid;
    uint64_t epoch, written; /* a number of this shell alone; bytes it has said since it began */
    struct writer writers[WRITERS];
    char name[NAME_MAX_LEN + 1];
    char ring[SCROLLBACK];
    size_t ring_start, ring_used;
    struct buffer to_pty;
};

struct client {
    int used, fd, closing;
    struct shell *shell;
    struct writer *writer; /* of a numbered client; else NULL */
    uint64_t told;
    struct buffer in, out;
};

struct condemned {
    pid_t session;
    int64_t deadline;
};

static struct shell *shells[MAX_SHELLS];
static struct client clients[MAX_CLIENTS];
static struct condemned condemned[MAX_SHELLS];
static uint64_t opens;

static void append(struct buffer *buffer, const void *bytes, size_t count) {
    if (buffer->used + count > buffer->room) {
        size_t room = buffer->room ? buffer->room : 4096;
        while (room < buffer->used + count) room *= 2;
        char *grown = realloc(buffer->bytes, room);
        if (!grown) { perror("lab-shells"); exit(1); }
        buffer->bytes = grown;
        buffer->room = room;
    }
    memcpy(buffer->bytes + buffer->used, bytes, count);
    buffer->used += count;
}

static void consume(struct buffer *buffer, size_t count) {
    buffer->used -= count;
    memmove(buffer->bytes, buffer->bytes + count, buffer->used);
}

static void release(struct buffer *buffer) {
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}

static void send_frame(struct client *client, char type, const void *payload, size_t length) {
    char head[5];
    uint32_t wire = htonl((uint32_t)length);
    head[0] = type;
    memcpy(head + 1, &wire, 4);
    append(&client->out, head, 5);
    append(&client->out, payload, length);
}

static void refuse(struct client *client, const char *why) {
    send_frame(client, 'F', why, strlen(why));
    client->closing = 1;
}

static void ring_write(struct shell *shell, const char *bytes, size_t count) {
    /* No chunk is as long as the ring: read_pty sees to it. */
    size_t end = (shell->ring_start + shell->ring_used) % SCROLLBACK;
    size_t first = count < SCROLLBACK - end ? count : SCROLLBACK - end;
    memcpy(shell->ring + end, bytes, first);
    memcpy(shell->ring, bytes + first, count - first);
    shell->written += count;
    shell->ring_used += count;
    if (shell->ring_used > SCROLLBACK) {
        shell->ring_start = (shell->ring_start + shell->ring_used - SCROLLBACK) % SCROLLBACK;
        shell->ring_used = SCROLLBACK;
    }
}

static uint64_t take64(const unsigned char *bytes) {
    uint64_t wire;
    memcpy(&wire, bytes, 8);
    return be64toh(wire);
}

static void put64(unsigned char *bytes, uint64_t value) {
    uint64_t wire = htobe64(value);
    memcpy(bytes, &wire, 8);
}

/* How much of the ring a replay from the start leaves out: once it has wrapped, what stands before its first
 * whole line, so that no escape sequence or character starts in its middle. */
static size_t torn(const struct shell *shell) {
    size_t skip = 0;
    if (shell->ring_used == SCROLLBACK)
        while (skip < SCROLLBACK && shell->ring[(shell->ring_start + skip++) % SCROLLBACK] != '\n') {}
    return skip;
}

/* Sends the scrollback but its first `skip` bytes. */
static void replay(struct client *client, size_t skip) {
    struct shell *shell = client->shell;
    while (skip < shell->ring_used) {
        size_t at = (shell->ring_start + skip) % SCROLLBACK;
        size_t count = shell->ring_used - skip;
        if (count > SCROLLBACK - at) count = SCROLLBACK - at;
        if (count > FRAME_MAX / 2) count = FRAME_MAX / 2;
        send_frame(client, 'R', shell->ring + at, count);
        skip += count;
    }
    send_frame(client, 'L', "", 0);
}

static void resize(struct shell *shell, unsigned columns, unsigned rows) {
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    if (columns < 2 || rows < 2 || columns > 1000 || rows > 1000) return;
    ioctl(shell->pty, TIOCSWINSZ, &size);
}

static void become_student(void) {
    struct passwd *user = getpwnam(STUDENT);
    if (!user || initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid)) {
        perror("lab-shells: " STUDENT);
        _exit(1);
    }
    clearenv();
    setenv("HOME", user->pw_dir, 1);
    setenv("USER", user->pw_name, 1);
    setenv("LOGNAME", user->pw_name, 1);
    setenv("SHELL", user->pw_shell, 1);
    setenv("TERM", "xterm-256color", 1);
    setenv("COLORTERM", "truecolor", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    if (chdir(user->pw_dir) && chdir("/")) _exit(1);
}

static struct shell *find_or_start(const char *name, unsigned columns, unsigned rows) {
    int free_slot = -1;
    for (int i = 0; i < MAX_SHELLS; i++) {
        if (shells[i] && !strcmp(shells[i]->name, name)) return shells[i];
        if (!shells[i] && free_slot < 0) free_slot = i;
    }
    if (free_slot < 0) return NULL;
    struct shell *shell = calloc(1, sizeof *shell);
    if (!shell) return NULL;
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    snprintf(shell->name, sizeof shell->name, "%s", name);
    shell->pid = forkpty(&shell->pty, NULL, NULL, &size);
    if (shell->pid < 0) { free(shell); return NULL; }
    if (shell->pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        /* The holder was started in the background, with SIGINT and SIGQUIT ignored; its shells' programs must not be. */
        for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
        become_student();
        execl("/bin/bash", "-bash", (char *)NULL);
        _exit(127);
    }
    fcntl(shell->pty, F_SETFL, O_NONBLOCK);
    fcntl(shell->pty, F_SETFD, FD_CLOEXEC);
    while (!shell->epoch && getrandom(&shell->epoch, sizeof shell->epoch, 0) < 0 && errno == EINTR) {}
    shell->epoch >>= 11; /* below 2^53: pages count in doubles */
    if (!shell->epoch) shell->epoch = 1;
    shells[free_slot] = shell;
    return shell;
}

static struct client *client_of(struct shell *shell) {
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (clients[i].used && clients[i].shell == shell && !clients[i].closing) return &clients[i];
    return NULL;
}

static void end_shell(struct shell *shell, int status) {
    struct client *client = client_of(shell);
    uint32_t wire = htonl((uint32_t)(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
    if (client) {
        send_frame(client, 'E', &wire, 4);
        client->closing = 1;
    }
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (clients[i].shell == shell) {
            clients[i].shell = NULL;
            clients[i].writer = NULL;
        }
    for (int i = 0; i < MAX_SHELLS; i++)
        if (shells[i] == shell) shells[i] = NULL;
    close(shell->pty);
    release(&shell->to_pty);
    free(shell);
}

static struct writer *writer_of(struct shell *shell, uint64_t id) {
    struct writer *oldest = &shell->writers[0];
    for (int i = 0; i < WRITERS; i++) {
        if (shell->writers[i].id == id) return &shell->writers[i];
        if (shell->writers[i].heard < oldest->heard) oldest = &shell->writers[i];
    }
    memset(oldest, 0, sizeof *oldest);
    oldest->id = id;
    return oldest;
}

/* Tells a numbered client where it stands and sends it what it lacks: all of the ring, or what came after the
 * offset that it has already. */
static void begin(struct client *client, uint64_t id, uint64_t epoch, uint64_t offset) {
    struct shell *shell = client->shell;
    uint64_t first = shell->written - shell->ring_used;
    int goes_on = epoch == shell->epoch && offset >= first && offset <= shell->written;
    size_t skip = goes_on ? (size_t)(offset - first) : torn(shell);
    unsigned char said[25];
    client->writer = writer_of(shell, id);
    client->writer->heard = ++opens;
    client->told = client->writer->accepted;
    put64(said, shell->epoch);
    put64(said + 8, first + skip);
    put64(said + 16, client->writer->accepted);
    said[24] = (unsigned char)goes_on;
    send_frame(client, 'B', said, sizeof said);
    replay(client, skip);
}

static void open_shell(struct client *client, char type, const unsigned char *payload, size_t length) {
    size_t head = type == 'N' ? 28 : 4;
    char name[NAME_MAX_LEN + 1] = {0};
    unsigned columns, rows;
    if (client->shell || length <= head || length - head > NAME_MAX_LEN) { refuse(client, "bad open"); return; }
    columns = (unsigned)payload[0] << 8 | payload[1];
    rows = (unsigned)payload[2] << 8 | payload[3];
    memcpy(name, payload + head, length - head);
    struct shell *shell = find_or_start(name, columns, rows);
    if (!shell) { refuse(client, "too many shells"); return; }
    struct client *former = client_of(shell);
    if (former) { send_frame(former, 'T', "", 0); former->closing = 1; }
    client->shell = shell;
    if (type == 'N')
        begin(client, take64(payload + 4), take64(payload + 12), take64(payload + 20));
    else
        replay(client, torn(shell));
    resize(shell, columns, rows); /* a new size makes full-screen programs draw themselves again */
}

static void take_input(struct client *client, const unsigned char *payload, size_t length) {
    struct writer *writer = client->writer;
    append(&client->shell->to_pty, payload, length);
    if (!writer) return;
    writer->accepted += length;
    if (writer->accepted - client->told < TELL_EVERY) return;
    unsigned char said[8];
    put64(said, writer->accepted);
    send_frame(client, 'K', said, sizeof said);
    client->told = writer->accepted;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Signals every process of a session; they can't leave it but by setsid. */
static void signal_session(pid_t session, int number) {
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    if (!proc) return;
    while ((entry = readdir(proc))) {
        char path[300], line[512], *after;
        int pid = atoi(entry->d_name), of = 0;
        if (pid <= 0) continue;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *stat = fopen(path, "re");
        if (!stat) continue;
        after = fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
        fclose(stat);
        if (after && sscanf(after, ") %*c %*d %*d %d", &of) == 1 && of == session) kill(pid, number);
    }
    closedir(proc);
}

/* Ends a shell as closing a window does; what minds no HUP is killed a little later. */
static void hang_up(struct shell *shell) {
    for (int i = 0; i < MAX_SHELLS; i++)
        if (!condemned[i].session || condemned[i].session == shell->pid) {
            condemned[i] = (struct condemned){shell->pid, now_ms() + HANG_UP_GRACE};
            break;
        }
    signal_session(shell->pid, SIGHUP);
    signal_session(shell->pid, SIGCONT);
}

/* Kills what is due; ms until the next is, -1 if none. */
static int kill_condemned(void) {
    int64_t now = now_ms(), next = -1;
    for (int i = 0; i < MAX_SHELLS; i++) {
        if (!condemned[i].session) continue;
        if (condemned[i].deadline <= now) {
            signal_session(condemned[i].session, SIGKILL);
            condemned[i].session = 0;
        } else if (next < 0 || condemned[i].deadline - now < next)
            next = condemned[i].deadline - now;
    }
    return (int)next;
}

static void handle(struct client *client, char type, const unsigned char *payload, size_t length) {
    if (type == 'O' || type == 'N') { open_shell(client, type, payload, length); return; }
    if (!client->shell) return;
    if (type == 'S' && length == 4)
        resize(client->shell, (unsigned)payload[0] << 8 | payload[1], (unsigned)payload[2] << 8 | payload[3]);
    else if (type == 'I')
        take_input(client, payload, length);
    else if (type == 'X')
        hang_up(client->shell);
    else
        refuse(client, "bad frame");
}

static void drop(struct client *client) {
    close(client->fd);
    release(&client->in);
    release(&client->out);
    memset(client, 0, sizeof *client);
}

static void read_client(struct client *client) {
    char chunk[16384];
    ssize_t count = read(client->fd, chunk, sizeof chunk);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) { drop(client); return; }
    if (count < 0) return;
    append(&client->in, chunk, (size_t)count);
    while (client->in.used >= 5 && !client->closing) {
        uint32_t wire;
        memcpy(&wire, client->in.bytes + 1, 4);
        size_t length = ntohl(wire);
        if (length > FRAME_MAX) { refuse(client, "frame too long"); return; }
        if (client->in.used < 5 + length) return;
        handle(client, client->in.bytes[0], (unsigned char *)client->in.bytes + 5, length);
        consume(&client->in, 5 + length);
    }
}

static void flush_client(struct client *client) {
    while (client->out.used) {
        ssize_t count = write(client->fd, client->out.bytes, client->out.used);
        if (count < 0) {
            if (errno != EAGAIN && errno != EINTR) drop(client);
            return;
        }
        consume(&client->out, (size_t)count);
    }
    if (client->closing) drop(client);
}

/* Reads what there is, up to a chunk: the kernel gives at most 4 KiB a call and each poll of a pty is dear.
 * Returns how much it was; its end is seen by waitpid. */
static size_t read_pty(struct shell *shell) {
    char chunk[32768];
    size_t used = 0;
    while (used < sizeof chunk) {
        ssize_t count = read(shell->pty, chunk + used, sizeof chunk - used);
        if (count <= 0) break;
        used += (size_t)count;
    }
    if (!used) return 0;
    ring_write(shell, chunk, used);
    struct client *client = client_of(shell);
    if (client) send_frame(client, 'D', chunk, used);
    return used;
}

static void write_pty(struct shell *shell) {
    ssize_t count = write(shell->pty, shell->to_pty.bytes, shell->to_pty.used);
    if (count > 0) consume(&shell->to_pty, (size_t)count);
}

static void accept_client(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (!clients[i].used) {
            clients[i].used = 1;
            clients[i].fd = fd;
            return;
        }
    close(fd);
}

static int listen_here(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mkdir("/run/lab", 0700);
    unlink(SOCKET_PATH);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 64)) {
        perror("lab-shells: " SOCKET_PATH);
        exit(1);
    }
    return fd;
}

static int wake[2];
static void on_child(int signal_number) {
    (void)signal_number;
    int saved = errno;
    if (write(wake[1], "", 1) < 0) { /* the pipe is full: a wake-up is already due */ }
    errno = saved;
}

static int serve(void) {
    int listener = listen_here();
    if (pipe2(wake, O_NONBLOCK | O_CLOEXEC)) return 1;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, on_child);
    find_or_start(FIRST_SHELL, 80, 24); /* at its prompt before anybody asks */
    for (;;) {
        struct pollfd polls[2 + MAX_SHELLS + MAX_CLIENTS];
        int count = 0;
        polls[count++] = (struct pollfd){listener, POLLIN, 0};
        polls[count++] = (struct pollfd){wake[0], POLLIN, 0};
        for (int i = 0; i < MAX_SHELLS; i++) {
            struct pollfd poll_shell = {-1, 0, 0};
            if (shells[i]) {
                struct client *client = client_of(shells[i]);
                poll_shell.fd = shells[i]->pty;
                poll_shell.events = (short)((!client || client->out.used < OUT_HIGH ? POLLIN : 0) |
                                            (shells[i]->to_pty.used ? POLLOUT : 0));
                if (!poll_shell.events) poll_shell.fd = -1;
            }
            polls[count++] = poll_shell;
        }
        for (int i = 0; i < MAX_CLIENTS; i++) {
            struct pollfd poll_client = {-1, 0, 0};
            if (clients[i].used) {
                struct shell *shell = clients[i].shell;
                int read_more = !clients[i].closing && (!shell || shell->to_pty.used < PTY_QUEUE);
                poll_client.fd = clients[i].fd;
                poll_client.events = (short)((read_more ? POLLIN : 0) | (clients[i].out.used || clients[i].closing ? POLLOUT : 0));
            }
            polls[count++] = poll_client;
        }
        if (poll(polls, (nfds_t)count, kill_condemned()) < 0) {
            if (errno != EINTR) return 1;
            continue; /* what polls says is not to be read */
        }
        for (int i = 0; i < MAX_SHELLS; i++) {
            if (!shells[i] || polls[2 + i].fd != shells[i]->pty) continue;
            if (polls[2 + i].revents & POLLOUT) write_pty(shells[i]);
            if (polls[2 + i].revents & (POLLIN | POLLHUP)) read_pty(shells[i]);
        }
        for (int i = 0; i < MAX_CLIENTS; i++) {
            short events = polls[2 + MAX_SHELLS + i].revents;
            if (!clients[i].used || polls[2 + MAX_SHELLS + i].fd != clients[i].fd) continue;
            if (events & (POLLIN | POLLHUP | POLLERR)) read_client(&clients[i]);
            if (clients[i].used && (events & POLLOUT)) flush_client(&clients[i]);
        }
        if (polls[1].revents & POLLIN) {
            char drain[64];
            int status;
            pid_t pid;
            while (read(wake[0], drain, sizeof drain) > 0) {}
            while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                for (int i = 0; i < MAX_SHELLS; i++)
                    if (shells[i] && shells[i]->pid == pid) {
                        while (read_pty(shells[i])) {} /* its last words */
                        end_shell(shells[i], status);
                    }
        }
        if (polls[0].revents & POLLIN) accept_client(listener);
    }
}

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
