/* Secrets: compare without telling, wipe without being optimised away.
 *
 * secret_equal takes time that depends on the lengths alone. For long-lived keys use crypto/guarded memory; this is for
 * the short-lived halves of credentials.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/view.h"

bool secret_equal(const void *a, const void *b, size_t len) __attribute__((warn_unused_result));
void secret_wipe(void *p, size_t len);

#endif
