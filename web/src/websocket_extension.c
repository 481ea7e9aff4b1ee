/* Offers are read with the grammar of RFC 6455 §9.1: names and parameters with a value, quoted or
 * not. Pure; any thread. */
#include "websocket_extension.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "web/deflate.h"

enum { VALUE_MAX = 64 };

typedef struct parameter {
  const char *name;
  size_t name_size;
  bool has_value;
  char value[VALUE_MAX]; /* longer ones are cut: none that we know is */
} parameter;

/* What an offer of permessage-deflate asks for. */
typedef struct deflate_offer {
  bool is_refused; /* a parameter that is unknown, twice there, or has a wrong value */
  bool has_server_no_takeover, has_client_no_takeover, has_client_bits;
  unsigned server_bits; /* 0: not said */
} deflate_offer;

/* ---- grammar ---- */

/* RFC 9110 §5.6.2. */
static bool is_token_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *skip_blanks(const char *at) {
  return at + strspn(at, " \t");
}

/* Behind a token at `at`; `at` itself: there is none. */
static const char *skip_token(const char *at) {
  while (is_token_byte(*at)) {
    at++;
  }
  return at;
}

static void value_add(parameter *out, size_t *size, char c) {
  if (*size + 1 < sizeof out->value) {
    out->value[(*size)++] = c;
    out->value[*size] = '\0';
  }
}

/* A quoted value must be a token, too, once it is unquoted. NULL: it is neither. */
static const char *read_value(const char *at, parameter *out) {
  size_t size = 0;
  bool is_quoted = *at == '"';
  const char *first = is_quoted ? ++at : at;
  while (is_token_byte(*at) || (is_quoted && *at == '\\' && is_token_byte(at[1]))) {
    at += *at == '\\' ? 1 : 0;
    value_add(out, &size, *at);
    at++;
  }
  if (at == first || (is_quoted && *at != '"')) {
    return NULL;
  }
  return is_quoted ? at + 1 : at;
}

/* Behind a ';'. NULL: it is none. */
static const char *read_parameter(const char *at, parameter *out) {
  *out = (parameter){.name = skip_blanks(at)};
  at = skip_token(out->name);
  out->name_size = (size_t)(at - out->name);
  if (out->name_size == 0) {
    return NULL;
  }
  const char *behind = skip_blanks(at);
  if (*behind != '=') {
    return at;
  }
  out->has_value = true;
  return read_value(skip_blanks(behind + 1), out);
}

/* ---- permessage-deflate ---- */

static bool parameter_is(const parameter *given, const char *name) {
  return given->name_size == strlen(name) && strncasecmp(given->name, name, given->name_size) == 0;
}

/* 8 to 15, without a zero in front (RFC 7692 §7.1.2); 0: it is none. */
static unsigned bits_of(const char *value) {
  size_t size = strlen(value);
  if (size == 1 && (value[0] == '8' || value[0] == '9')) {
    return (unsigned)(value[0] - '0');
  }
  return size == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5'
             ? 10 + (unsigned)(value[1] - '0')
             : 0;
}

/* False: it was there already, or has a value and must not. */
static bool flag_set(bool *flag, const parameter *given) {
  bool is_good = !*flag && !given->has_value;
  *flag = true;
  return is_good;
}

static bool offer_take(deflate_offer *offer, const parameter *given) {
  if (parameter_is(given, "server_no_context_takeover")) {
    return flag_set(&offer->has_server_no_takeover, given);
  }
  if (parameter_is(given, "client_no_context_takeover")) {
    return flag_set(&offer->has_client_no_takeover, given);
  }
  if (parameter_is(given, "server_max_window_bits")) {
    bool is_first = offer->server_bits == 0;
    offer->server_bits = bits_of(given->value);
    return is_first && given->has_value && offer->server_bits != 0;
  }
  if (parameter_is(given, "client_max_window_bits")) {
    bool is_first = !offer->has_client_bits;
    offer->has_client_bits = true; /* any window is taken, whatever they have */
    return is_first && (!given->has_value || bits_of(given->value) != 0);
  }
  return false;
}

/* Both sides forget what was before at each message, which either may demand without having been
 * asked. zlib has no window of 8 bits without a header: such an offer is not taken. */
static void offer_accept(const deflate_offer *offer, web_extension *out) {
  if (offer->is_refused || (offer->server_bits != 0 && offer->server_bits < WEB_DEFLATE_MIN_BITS)) {
    return;
  }
  char window[40] = "";
  if (offer->server_bits != 0) {
    (void)snprintf(window, sizeof window, "; server_max_window_bits=%u", offer->server_bits);
  }
  out->deflate_bits = offer->server_bits != 0 ? offer->server_bits : WEB_DEFLATE_MAX_BITS;
  (void)snprintf(out->answer, sizeof out->answer,
                 "permessage-deflate; server_no_context_takeover; client_no_context_takeover%s",
                 window);
}

/* One element of the list; NULL: it breaks the grammar. */
static const char *read_extension(const char *at, bool is_wanted, web_extension *out) {
  static const char name[] = "permessage-deflate";
  deflate_offer offer = {0};
  const char *end = skip_token(at);
  bool is_deflate =
      (size_t)(end - at) == sizeof name - 1 && strncasecmp(at, name, sizeof name - 1) == 0;
  if (end == at) {
    return NULL;
  }
  at = skip_blanks(end);
  while (*at == ';') {
    parameter given;
    at = read_parameter(at + 1, &given);
    if (at == NULL) {
      return NULL;
    }
    offer.is_refused |= is_deflate && !offer_take(&offer, &given);
    at = skip_blanks(at);
  }
  if (is_deflate && is_wanted && out->deflate_bits == 0) {
    offer_accept(&offer, out);
  }
  return at;
}

bool web_extension_choose(const char *offers, bool allows_deflate, web_extension *out_extension) {
  web_extension chosen = {0};
  const char *at = offers + strspn(offers, " \t,");
  while (*at != '\0') {
    at = read_extension(at, allows_deflate, &chosen);
    if (at == NULL || (*at != ',' && *at != '\0')) {
      return false;
    }
    at += strspn(at, " \t,");
  }
  *out_extension = chosen;
  return true;
}
