/* Results of every web call. Any thread. */
#ifndef WEB_STATUS_H
#define WEB_STATUS_H

#if defined(__GNUC__)
#define WEB_MUST_USE __attribute__((warn_unused_result))
#else
#define WEB_MUST_USE
#endif

typedef enum web_status {
  WEB_OK = 0,
  WEB_FULL = 1,   /* a bounded buffer has no room: nothing was taken */
  WEB_CLOSED = 2, /* the other side is gone                          */
  WEB_E_INVALID_ARG = -1,
  WEB_E_IN_USE = -2, /* address taken                                   */
  WEB_E_ACCESS = -3,
  WEB_E_NO_MEMORY = -4,
  WEB_E_SYSTEM = -5
} web_status;

const char *web_status_text(web_status status);

#endif
