/* What goes over a line between the web and the holder: docs/terminal-protocol.md.
 *
 * Frame: type (1 byte), channel (2), length (4, big endian), payload. A channel is one client on one shell; the web numbers it.
 *   to the holder    O open: columns, rows (2 bytes each), name   W watch: as O, of a shell that exists   G which shells are there?
 *                    N open, numbered: columns, rows, writer, epoch, offset (8 bytes each), name
 *                    I input   S size: columns, rows   X end the shell and all of its session
 *                    A so many bytes more were taken (4 bytes)   Q the client leaves
 *   from the holder  R replay of the scrollback   L live from here on   D data   S size, to those who watch   G names, by lines
 *                    B numbered begin: epoch, offset, input accepted (8 bytes each), 1 if it goes on from the offset
 *                    K input accepted so far (8 bytes)
 *                    E shell ended: exit status (4 bytes)   T taken over by another client   F refused: text
 */
#ifndef FRAMES_H
#define FRAMES_H

#include <arpa/inet.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>

#define SOCKET_PATH "/run/lab/shells.sock"
#define STREAMS 2 /* what `attach` lends: its input and its output */
#define FRAME_HEAD 7
#define FRAME_MAX (64 * 1024 + 1024) /* payload: the longest input, and an opening */

static inline unsigned take16(const unsigned char *bytes) { return (unsigned)bytes[0] << 8 | bytes[1]; }

static inline void put16(unsigned char *bytes, unsigned value) {
    bytes[0] = (unsigned char)(value >> 8);
    bytes[1] = (unsigned char)value;
}

static inline uint32_t take32(const unsigned char *bytes) {
    uint32_t wire;
    memcpy(&wire, bytes, 4);
    return ntohl(wire);
}

static inline void put32(unsigned char *bytes, uint32_t value) {
    uint32_t wire = htonl(value);
    memcpy(bytes, &wire, 4);
}

static inline uint64_t take64(const unsigned char *bytes) {
    uint64_t wire;
    memcpy(&wire, bytes, 8);
    return be64toh(wire);
}

static inline void put64(unsigned char *bytes, uint64_t value) {
    uint64_t wire = htobe64(value);
    memcpy(bytes, &wire, 8);
}

#endif
