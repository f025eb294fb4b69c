/* Which Cardea this is.
 *
 * The macros are the headers', the function is the library's that the program runs with: they differ where one was
 * replaced without the other. Within a major version the library keeps every function (the version node CARDEA_0.1 of
 * its symbols); the soname counts majors.
 */
#ifndef CARDEA_VERSION_H
#define CARDEA_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

#define CARDEA_VERSION_MAJOR 0
#define CARDEA_VERSION_MINOR 1
#define CARDEA_VERSION_PATCH 0

/* "0.1.0"; lives forever. */
const char *cardea_version(void);

#ifdef __cplusplus
}
#endif
#endif
