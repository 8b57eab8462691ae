#define _GNU_SOURCE
#include "shell.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pty.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define STUDENT "alumno"
#define HANG_UP_GRACE 1500 /* ms between HUP and KILL of a session that is to end */

struct condemned {
    pid_t session;
    int64_t deadline;
};

struct shell *shells[MAX_SHELLS];
static struct condemned condemned[MAX_SHELLS];
static uint64_t opens;

static void ring_write(struct shell *shell, const char *bytes, size_t count) {
    /* No chunk is as long as the ring: PTY_CHUNK sees to it. */
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

size_t shell_torn(const struct shell *shell) {
    size_t skip = 0;
    if (shell->ring_used == SCROLLBACK)
        while (skip < SCROLLBACK && shell->ring[(shell->ring_start + skip++) % SCROLLBACK] != '\n') {}
    return skip;
}

int shell_resize(struct shell *shell, unsigned columns, unsigned rows) {
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    int another = columns != shell->columns || rows != shell->rows;
    if (columns < 2 || rows < 2 || columns > 1000 || rows > 1000) return 0;
    shell->columns = columns;
    shell->rows = rows;
    ioctl(shell->pty, TIOCSWINSZ, &size);
    return another;
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

struct shell *shell_find(const char *name) {
    for (int i = 0; i < MAX_SHELLS; i++)
        if (shells[i] && !strcmp(shells[i]->name, name)) return shells[i];
    return NULL;
}

struct shell *shell_start(const char *name, unsigned columns, unsigned rows) {
    int slot = 0;
    while (slot < MAX_SHELLS && shells[slot]) slot++;
    if (slot == MAX_SHELLS) return NULL;
    struct shell *shell = calloc(1, sizeof *shell);
    if (!shell) return NULL;
    struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
    shell->columns = columns;
    shell->rows = rows;
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
    shells[slot] = shell;
    return shell;
}

void shell_free(struct shell *shell) {
    for (int i = 0; i < MAX_SHELLS; i++)
        if (shells[i] == shell) shells[i] = NULL;
    close(shell->pty);
    buffer_release(&shell->to_pty);
    free(shell);
}

struct writer *shell_writer(struct shell *shell, uint64_t id) {
    struct writer *found = &shell->writers[0];
    for (int i = 0; i < WRITERS; i++) {
        if (shell->writers[i].id == id) { found = &shell->writers[i]; break; }
        if (shell->writers[i].heard < found->heard) found = &shell->writers[i];
    }
    if (found->id != id) *found = (struct writer){.id = id};
    found->heard = ++opens;
    return found;
}

size_t shell_read(struct shell *shell, char *chunk) {
    size_t used = 0;
    while (used < PTY_CHUNK) {
        ssize_t count = read(shell->pty, chunk + used, PTY_CHUNK - used);
        if (count <= 0) break;
        used += (size_t)count;
    }
    if (used) ring_write(shell, chunk, used);
    return used;
}

void shell_write(struct shell *shell) {
    ssize_t count = write(shell->pty, buffer_first(&shell->to_pty), shell->to_pty.used);
    if (count > 0) buffer_consume(&shell->to_pty, (size_t)count);
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

void shell_hang_up(struct shell *shell) {
    for (int i = 0; i < MAX_SHELLS; i++)
        if (!condemned[i].session || condemned[i].session == shell->pid) {
            condemned[i] = (struct condemned){shell->pid, now_ms() + HANG_UP_GRACE};
            break;
        }
    signal_session(shell->pid, SIGHUP);
    signal_session(shell->pid, SIGCONT);
}

int shells_kill_due(void) {
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
