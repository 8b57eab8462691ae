/* The student's shells: a pty each, its size, the last of what it said, and who typed how much. Knows of no client. */
#ifndef SHELL_H
#define SHELL_H

#include <stdint.h>
#include <sys/types.h>

#include "buffer.h"

#define MAX_SHELLS 8
#define NAME_MAX_LEN 32
#define SCROLLBACK (256 * 1024)
#define PTY_CHUNK 32768 /* read at once: the kernel gives at most 4 KiB a call and each poll of a pty is dear */
#define WRITERS 4       /* pages whose input is counted, per shell; the one not heard for longest gives way */

/* A page that comes back sends again only what had not arrived. */
struct writer {
    uint64_t id, accepted, heard;
};

struct shell {
    int pty;
    pid_t pid;
    uint64_t epoch, written; /* a number of this shell alone; bytes it has said since it began */
    unsigned columns, rows;
    struct writer writers[WRITERS];
    char name[NAME_MAX_LEN + 1];
    char ring[SCROLLBACK];
    size_t ring_start, ring_used;
    struct buffer to_pty;
};

extern struct shell *shells[MAX_SHELLS];

struct shell *shell_find(const char *name);
/* NULL if there are too many. */
struct shell *shell_start(const char *name, unsigned columns, unsigned rows);
void shell_free(struct shell *shell);
/* Whether it has another size now. */
int shell_resize(struct shell *shell, unsigned columns, unsigned rows);
/* Up to PTY_CHUNK bytes of what it says, kept in the ring; 0 if it says nothing. Its end is seen by waitpid. */
size_t shell_read(struct shell *shell, char *chunk);
/* Gives it what waits, as far as it takes it. */
void shell_write(struct shell *shell);
/* How much of the ring a replay from the start leaves out: once it has wrapped, what stands before its first
 * whole line, so that no escape sequence or character starts in its middle. */
size_t shell_torn(const struct shell *shell);
struct writer *shell_writer(struct shell *shell, uint64_t id);
/* Ends it as closing a window does; what minds no HUP is killed a little later, by shells_kill_due. */
void shell_hang_up(struct shell *shell);
/* Kills what is due; ms until the next is, -1 if none. */
int shells_kill_due(void);

#endif
