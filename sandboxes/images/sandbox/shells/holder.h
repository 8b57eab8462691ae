#ifndef HOLDER_H
#define HOLDER_H

/* Serves for as long as the sandbox runs; returns what to exit with. */
int serve(void);

#endif
