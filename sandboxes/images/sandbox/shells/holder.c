/* Holds the sandbox's shells, whatever becomes of the browser or the web server, and serves those who look at them.
 *
 * A line is an `lab-shells attach`, that is an exec of the engine's: its input and output are read and written here, with nobody
 * between. It carries many clients, told apart by their channel. What a client may have on its way is bounded by a window, so that
 * one that stands still stops its own shell and nobody else. */
#define _GNU_SOURCE
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buffer.h"
#include "frames.h"
#include "shell.h"

#define FIRST_SHELL "principal"
#define MAX_LINES 8
#define MAX_CLIENTS 32
#define WINDOW (128 * 1024)       /* bytes sent to a client that it has not taken yet */
#define OUT_HIGH (64 * 1024)      /* past this a pty is not read: the program waits, as in any terminal */
#define WATCHER_HIGH (1024 * 1024) /* past this who watches is let go: a shell waits for its own client alone */
#define LINE_HIGH (128 * 1024)
#define TYPED_HIGH (8 * 1024 * 1024) /* what may wait for a program that reads nothing */
#define TELL_EVERY (16 * 1024)    /* input bytes between two K */
#define REPLAY_CHUNK 32768

struct line {
    int used, peer;    /* the connection of `attach`, which lives as long as the line */
    int input, output; /* what it lends; -1 until then */
    struct buffer in, out;
};

struct client {
    int used, closing, watching;
    unsigned channel;
    struct line *line;
    struct shell *shell;
    struct writer *writer; /* of a numbered client; else NULL */
    uint64_t told;
    size_t untaken;
    struct buffer out; /* whole frames that the window holds back */
};

static struct line lines[MAX_LINES];
static struct client clients[MAX_CLIENTS];

static void put_frame(struct buffer *out, char type, unsigned channel, const void *payload, size_t length) {
    unsigned char head[FRAME_HEAD];
    head[0] = (unsigned char)type;
    put16(head + 1, channel);
    put32(head + 3, (uint32_t)length);
    buffer_append(out, head, FRAME_HEAD);
    buffer_append(out, payload, length);
}

static void send_frame(struct client *client, char type, const void *payload, size_t length) {
    put_frame(&client->out, type, client->channel, payload, length);
}

static void refuse(struct client *client, const char *why) {
    send_frame(client, 'F', why, strlen(why));
    client->closing = 1;
}

static void forget(struct client *client) {
    buffer_release(&client->out);
    memset(client, 0, sizeof *client);
}

static struct client *client_of(const struct line *line, unsigned channel) {
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (clients[i].used && clients[i].line == line && clients[i].channel == channel) return &clients[i];
    return NULL;
}

/* The one client that a shell waits for, and whose size it has. */
static struct client *owner_of(const struct shell *shell) {
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (clients[i].used && clients[i].shell == shell && !clients[i].watching && !clients[i].closing) return &clients[i];
    return NULL;
}

/* Sends the scrollback but its first `skip` bytes. */
static void replay(struct client *client, size_t skip) {
    struct shell *shell = client->shell;
    while (skip < shell->ring_used) {
        size_t at = (shell->ring_start + skip) % SCROLLBACK;
        size_t count = shell->ring_used - skip;
        if (count > SCROLLBACK - at) count = SCROLLBACK - at;
        if (count > REPLAY_CHUNK) count = REPLAY_CHUNK;
        send_frame(client, 'R', shell->ring + at, count);
        skip += count;
    }
    send_frame(client, 'L', "", 0);
}

static void tell_size(struct client *client) {
    unsigned char size[4];
    put16(size, client->shell->columns);
    put16(size + 2, client->shell->rows);
    send_frame(client, 'S', size, sizeof size);
}

static void resize(struct shell *shell, unsigned columns, unsigned rows) {
    if (!shell_resize(shell, columns, rows)) return;
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (clients[i].used && clients[i].shell == shell && clients[i].watching) tell_size(&clients[i]);
}

static void end_shell(struct shell *shell, int status) {
    unsigned char code[4];
    put32(code, (uint32_t)(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (!clients[i].used || clients[i].shell != shell) continue;
        if (!clients[i].closing) send_frame(&clients[i], 'E', code, sizeof code);
        clients[i].closing = 1;
        clients[i].shell = NULL;
        clients[i].writer = NULL;
    }
    shell_free(shell);
}

/* Tells a numbered client where it stands and sends it what it lacks: all of the ring, or what came after the
 * offset that it has already. */
static void begin(struct client *client, uint64_t id, uint64_t epoch, uint64_t offset) {
    struct shell *shell = client->shell;
    uint64_t first = shell->written - shell->ring_used;
    int goes_on = epoch == shell->epoch && offset >= first && offset <= shell->written;
    size_t skip = goes_on ? (size_t)(offset - first) : shell_torn(shell);
    unsigned char said[25];
    client->writer = shell_writer(shell, id);
    client->told = client->writer->accepted;
    put64(said, shell->epoch);
    put64(said + 8, first + skip);
    put64(said + 16, client->writer->accepted);
    said[24] = (unsigned char)goes_on;
    send_frame(client, 'B', said, sizeof said);
    replay(client, skip);
}

static void watch(struct client *client, const char *name) {
    client->shell = shell_find(name);
    client->watching = 1;
    if (!client->shell) { refuse(client, "no such shell"); return; }
    tell_size(client);
    replay(client, shell_torn(client->shell));
}

static void open_shell(struct client *client, char type, const unsigned char *payload, size_t length) {
    size_t head = type == 'N' ? 28 : 4;
    char name[NAME_MAX_LEN + 1] = {0};
    if (client->shell || length <= head || length - head > NAME_MAX_LEN) { refuse(client, "bad open"); return; }
    memcpy(name, payload + head, length - head);
    if (type == 'W') { watch(client, name); return; }
    unsigned columns = take16(payload), rows = take16(payload + 2);
    struct shell *shell = shell_find(name);
    if (!shell) shell = shell_start(name, columns, rows);
    if (!shell) { refuse(client, "too many shells"); return; }
    struct client *former = owner_of(shell);
    if (former) { send_frame(former, 'T', "", 0); former->closing = 1; }
    client->shell = shell;
    if (type == 'N')
        begin(client, take64(payload + 4), take64(payload + 12), take64(payload + 20));
    else
        replay(client, shell_torn(shell));
    resize(shell, columns, rows); /* a new size makes full-screen programs draw themselves again */
}

static void tell_names(struct client *client) {
    char names[MAX_SHELLS * (NAME_MAX_LEN + 1)];
    size_t used = 0;
    for (int i = 0; i < MAX_SHELLS; i++)
        if (shells[i]) used += (size_t)sprintf(names + used, "%s%s", used ? "\n" : "", shells[i]->name);
    send_frame(client, 'G', names, used);
    client->closing = 1;
}

static void take_input(struct client *client, const unsigned char *payload, size_t length) {
    struct writer *writer = client->writer;
    if (client->shell->to_pty.used + length > TYPED_HIGH) { refuse(client, "too much input"); return; }
    buffer_append(&client->shell->to_pty, payload, length);
    if (!writer) return;
    writer->accepted += length;
    if (writer->accepted - client->told < TELL_EVERY) return;
    unsigned char said[8];
    put64(said, writer->accepted);
    send_frame(client, 'K', said, sizeof said);
    client->told = writer->accepted;
}

static void handle(struct client *client, char type, const unsigned char *payload, size_t length) {
    size_t taken;
    if (type == 'Q') { forget(client); return; }
    if (type == 'A' && length == 4) {
        taken = take32(payload);
        client->untaken -= taken < client->untaken ? taken : client->untaken;
        return;
    }
    if (client->closing) return;
    if (type == 'G') { tell_names(client); return; }
    if (type == 'O' || type == 'N' || type == 'W') { open_shell(client, type, payload, length); return; }
    if (!client->shell) return;
    if (type == 'I')
        take_input(client, payload, length);
    else if (client->watching)
        return;
    else if (type == 'S' && length == 4)
        resize(client->shell, take16(payload), take16(payload + 2));
    else if (type == 'X')
        shell_hang_up(client->shell);
    else
        refuse(client, "bad frame");
}

/* The client of a frame: a new one for a channel that opens; NULL for what comes after its end. */
static struct client *addressee(struct line *line, char type, unsigned channel) {
    struct client *client = client_of(line, channel);
    if (client || !type || !strchr("ONWG", type)) return client;
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (!clients[i].used) {
            clients[i].used = 1;
            clients[i].line = line;
            clients[i].channel = channel;
            return &clients[i];
        }
    put_frame(&line->out, 'F', channel, "too many clients", 16);
    return NULL;
}

static void close_line(struct line *line) {
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (clients[i].used && clients[i].line == line) forget(&clients[i]);
    close(line->peer);
    if (line->input >= 0) close(line->input);
    if (line->output >= 0) close(line->output);
    buffer_release(&line->in);
    buffer_release(&line->out);
    memset(line, 0, sizeof *line);
}

/* Takes what `attach` lends, the first that it sends; whatever it does after that is to go. */
static void hear_peer(struct line *line) {
    int streams[STREAMS];
    union { struct cmsghdr header; char room[CMSG_SPACE(sizeof streams)]; } control = {0};
    char nothing;
    struct iovec word = {.iov_base = &nothing, .iov_len = 1};
    struct msghdr message = {.msg_iov = &word, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count = recvmsg(line->peer, &message, MSG_CMSG_CLOEXEC);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    struct cmsghdr *rights = count == 1 && line->input < 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!rights || rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(sizeof streams)) { close_line(line); return; }
    memcpy(streams, CMSG_DATA(rights), sizeof streams);
    for (int i = 0; i < STREAMS; i++) fcntl(streams[i], F_SETFL, fcntl(streams[i], F_GETFL) | O_NONBLOCK);
    line->input = streams[0];
    line->output = streams[1];
}

static void read_line(struct line *line) {
    char chunk[65536];
    ssize_t count = read(line->input, chunk, sizeof chunk);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) { close_line(line); return; }
    buffer_append(&line->in, chunk, (size_t)count);
    while (line->in.used >= FRAME_HEAD) {
        const unsigned char *frame = (unsigned char *)buffer_first(&line->in);
        size_t length = take32(frame + 3);
        if (length > FRAME_MAX) { close_line(line); return; }
        if (line->in.used < FRAME_HEAD + length) return;
        struct client *client = addressee(line, (char)frame[0], take16(frame + 1));
        if (client) handle(client, (char)frame[0], frame + FRAME_HEAD, length);
        buffer_consume(&line->in, FRAME_HEAD + length);
    }
}

/* Puts a client's frames on its line as far as its window goes; one that is done is forgotten. */
static void advance(struct client *client) {
    while (client->out.used && client->untaken < WINDOW && client->line->out.used < LINE_HIGH) {
        size_t length = take32((unsigned char *)buffer_first(&client->out) + 3);
        buffer_append(&client->line->out, buffer_first(&client->out), FRAME_HEAD + length);
        buffer_consume(&client->out, FRAME_HEAD + length);
        client->untaken += length + 1;
    }
    if (client->watching && !client->closing && client->out.used > WATCHER_HIGH) {
        buffer_release(&client->out);
        refuse(client, "too slow");
    }
    if (client->closing && !client->out.used) forget(client);
}

static void flush_line(struct line *line) {
    while (line->out.used) {
        ssize_t count = write(line->output, buffer_first(&line->out), line->out.used);
        if (count < 0) {
            if (errno != EAGAIN && errno != EINTR) close_line(line);
            return;
        }
        buffer_consume(&line->out, (size_t)count);
    }
}

static size_t read_shell(struct shell *shell) {
    char chunk[PTY_CHUNK];
    size_t count = shell_read(shell, chunk);
    for (int i = 0; count && i < MAX_CLIENTS; i++)
        if (clients[i].used && clients[i].shell == shell && !clients[i].closing) send_frame(&clients[i], 'D', chunk, count);
    return count;
}

static void accept_line(int listener) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    for (int i = 0; i < MAX_LINES; i++)
        if (!lines[i].used) {
            lines[i] = (struct line){.used = 1, .peer = fd, .input = -1, .output = -1};
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

static void bury_children(void) {
    char drain[64];
    int status;
    pid_t pid;
    while (read(wake[0], drain, sizeof drain) > 0) {}
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < MAX_SHELLS; i++)
            if (shells[i] && shells[i]->pid == pid) {
                while (read_shell(shells[i])) {} /* its last words */
                end_shell(shells[i], status);
            }
}

enum {
    LISTENER,
    CHILDREN,
    SHELLS,
    PEERS = SHELLS + MAX_SHELLS,
    INPUTS = PEERS + MAX_LINES,
    OUTPUTS = INPUTS + MAX_LINES,
    POLLS = OUTPUTS + MAX_LINES
};

/* Whether a line has something to say, or some client of it has that its window lets through. */
static int has_word(const struct line *line) {
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (clients[i].used && clients[i].line == line && clients[i].out.used && clients[i].untaken < WINDOW) return 1;
    return line->out.used > 0;
}

/* What to wait for: -1 stands for what nobody waits for. */
static void ask(struct pollfd *polls, int listener) {
    polls[LISTENER] = (struct pollfd){listener, POLLIN, 0};
    polls[CHILDREN] = (struct pollfd){wake[0], POLLIN, 0};
    for (int i = 0; i < MAX_SHELLS; i++) {
        polls[SHELLS + i] = (struct pollfd){-1, 0, 0};
        if (!shells[i]) continue;
        struct client *owner = owner_of(shells[i]);
        short events = (short)((!owner || owner->out.used < OUT_HIGH ? POLLIN : 0) | (shells[i]->to_pty.used ? POLLOUT : 0));
        if (events) polls[SHELLS + i] = (struct pollfd){shells[i]->pty, events, 0};
    }
    for (int i = 0; i < MAX_LINES; i++) {
        const struct line *line = &lines[i];
        polls[PEERS + i] = (struct pollfd){line->used ? line->peer : -1, POLLIN, 0};
        polls[INPUTS + i] = (struct pollfd){line->used ? line->input : -1, POLLIN, 0};
        polls[OUTPUTS + i] = (struct pollfd){line->used ? line->output : -1, (short)(has_word(line) ? POLLOUT : 0), 0};
    }
}

int serve(void) {
    int listener = listen_here();
    if (pipe2(wake, O_NONBLOCK | O_CLOEXEC)) return 1;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, on_child);
    shell_start(FIRST_SHELL, 80, 24); /* at its prompt before anybody asks */
    for (;;) {
        struct pollfd polls[POLLS];
        ask(polls, listener);
        if (poll(polls, POLLS, shells_kill_due()) < 0) {
            if (errno != EINTR) return 1;
            continue; /* what polls says is not to be read */
        }
        for (int i = 0; i < MAX_LINES; i++) {
            if (lines[i].used && polls[INPUTS + i].revents) read_line(&lines[i]);
            if (lines[i].used && polls[OUTPUTS + i].revents & POLLERR) close_line(&lines[i]); /* nobody reads it any more */
            if (lines[i].used && polls[PEERS + i].revents) hear_peer(&lines[i]);
        }
        for (int i = 0; i < MAX_SHELLS; i++) {
            if (!shells[i]) continue;
            if (shells[i]->to_pty.used) shell_write(shells[i]);
            if (polls[SHELLS + i].fd == shells[i]->pty && polls[SHELLS + i].revents & (POLLIN | POLLHUP)) read_shell(shells[i]);
        }
        if (polls[CHILDREN].revents & POLLIN) bury_children();
        if (polls[LISTENER].revents & POLLIN) accept_line(listener);
        for (int i = 0; i < MAX_CLIENTS; i++)
            if (clients[i].used) advance(&clients[i]);
        for (int i = 0; i < MAX_LINES; i++)
            if (lines[i].used && lines[i].out.used) flush_line(&lines[i]);
    }
}
