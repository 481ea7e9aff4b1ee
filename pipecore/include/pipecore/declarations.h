/* What the declarations of every header here have around them: C's linkage for C++ and, since the
 * library is built with its other names hidden, that these are the ones it shows. Nothing but that
 * and PC_MUST_USE. */
#ifndef PIPECORE_DECLARATIONS_H
#define PIPECORE_DECLARATIONS_H

#if defined(__GNUC__)
#define PC_MUST_USE __attribute__((warn_unused_result))
#define PC_SHOWN_BEGIN _Pragma("GCC visibility push(default)")
#define PC_SHOWN_END _Pragma("GCC visibility pop")
#else
#define PC_MUST_USE
#define PC_SHOWN_BEGIN
#define PC_SHOWN_END
#endif

#if defined(__cplusplus)
#define PC_DECLARATIONS_BEGIN \
  extern "C" {                \
  PC_SHOWN_BEGIN
#define PC_DECLARATIONS_END \
  PC_SHOWN_END              \
  }
#else
#define PC_DECLARATIONS_BEGIN PC_SHOWN_BEGIN
#define PC_DECLARATIONS_END PC_SHOWN_END
#endif

#endif
