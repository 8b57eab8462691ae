#include "buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_append(struct buffer *buffer, const void *bytes, size_t count) {
    if (!count) return;
    if (buffer->start + buffer->used + count > buffer->room && buffer->start) {
        memmove(buffer->bytes, buffer_first(buffer), buffer->used);
        buffer->start = 0;
    }
    if (buffer->used + count > buffer->room) {
        size_t room = buffer->room ? buffer->room : 4096;
        while (room < buffer->used + count) room *= 2;
        char *grown = realloc(buffer->bytes, room);
        if (!grown) { perror("lab-shells"); exit(1); }
        buffer->bytes = grown;
        buffer->room = room;
    }
    memcpy(buffer_first(buffer) + buffer->used, bytes, count);
    buffer->used += count;
}

void buffer_consume(struct buffer *buffer, size_t count) {
    buffer->used -= count;
    buffer->start = buffer->used ? buffer->start + count : 0;
}

void buffer_release(struct buffer *buffer) {
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
}
