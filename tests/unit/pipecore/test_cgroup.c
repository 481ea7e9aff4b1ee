/* Unit and container out of what /proc/PID/cgroup may say: the real forms, and hostile ones. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "linux/cgroup.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG_NAME                                                                                  \
  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
  "nn"                                                                                             \
  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
  "nn"                                                                                             \
  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" \
  "nn"

typedef struct cgroup_case {
  const char *text;
  const char *unit;
  const char *container;
} cgroup_case;

static const cgroup_case cases[] = {
    /* version 2 */
    {"0::/system.slice/cron.service\n", "cron.service", ""},
    {"0::/\n", "", ""},
    {"0::/init.scope\n", "init.scope", ""},
    {"0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope", ""},
    {"0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-1234.scope\n",
     "app-firefox-1234.scope", ""},
    {"0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service", ""},
    {"0::/system.slice/a\\x2db.service/part/below\n", "a\\x2db.service", ""},
    {"0::/../../user.slice/user-0.slice/session-1.scope\n", "session-1.scope", ""},
    /* version 1, and both */
    {"12:memory:/system.slice/x.service\n1:name=systemd:/system.slice/ssh.service\n", "ssh.service",
     ""},
    {"2:cpu,cpuacct:/system.slice/ssh.service\n", "", ""},
    {"1:name=systemd:/user.slice/user-0.slice/session-1.scope\n0::/\n", "session-1.scope", ""},
    {"1:name=other:/system.slice/ssh.service\n", "", ""},
    /* containers */
    {"0::/docker/" ID "\n", "", ID},
    {"0::/system.slice/docker-" ID ".scope\n", "docker-" ID ".scope", ID},
    {"0::/machine.slice/libpod-" ID ".scope/container\n", "libpod-" ID ".scope", ID},
    {"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n",
     "cri-containerd-" ID ".scope", ID},
    {"11:cpuset:/kubepods/burstable/pod1/" ID "\n", "", ID},
    {"0::/docker/" ID "/system.slice/nginx.service\n", "nginx.service", ID},
    {"0::/lxc.payload.web/system.slice/nginx.service\n", "nginx.service", "web"},
    {"4:memory:/lxc/web\n", "", "web"},
    {"0::/machine.slice/machine-deb.scope/payload\n", "machine-deb.scope", "deb"},
    /* what looks a little like one */
    {"0::/system.slice/cron.services\n", "", ""},
    {"0::/.service\n", "", ""},
    {"0::/.scope/service\n", "", ""},
    {"0::/x" ID "\n", "", ""},
    {"0::/" ID "0\n", "", ""},
    {"0::/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n", "", ""},
    {"0::/lxc\n0::/lxc/\n", "", ""},
    {"0::/machine-.scope\n", "machine-.scope", ""},
    {"0::/lxc.payload.\n", "", ""},
    /* broken and hostile */
    {"", "", ""},
    {"\n\n\n", "", ""},
    {"0", "", ""},
    {"0::\n", "", ""},
    {"0:\n:0\n::::\n", "", ""},
    {"0::/system.slice/cron.service", "", ""}, /* cut: the name may go on */
    {"0::/a.service\n0::/b.serv", "a.service", ""},
    {"00::/a.service\n", "", ""},
    {"0:name:/a.service\n", "", ""},
    {"0::/evil\"<script>.service\n", "", ""},
    {"0::/evil\033[31m.service\n", "", ""},
    {"0::/\xff\xfe.service\n", "", ""},
    {"0::/a b.service\n", "", ""},
    {"0::/lxc/\x01\n", "", ""},
    {"0::/" LONG_NAME ".service\n", "", ""}, /* half a name would be another one */
    {"0::/lxc/" LONG_NAME "\n", "", ""},
    {"0::/ok.service/" LONG_NAME ".service\n", "ok.service", ""},
    {"0::///a.service///\n", "a.service", ""},
};

/* In memory of exactly its size, so that a sanitizer sees a look beyond. */
static void parse(const char *text, size_t size, pc_peer_details *details) {
  char *exact = malloc(size + (size == 0));
  assert_non_null(exact);
  memcpy(exact, text, size);
  memset(details, 'x', sizeof *details);
  pc_linux_cgroup_parse(exact, size, details);
  free(exact);
}

static void unit_and_container_are_found_where_they_are_named(void **state) {
  (void)state;
  static pc_peer_details details;
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
    parse(cases[index].text, strlen(cases[index].text), &details);
    if (strcmp(details.unit, cases[index].unit) != 0 ||
        strcmp(details.container, cases[index].container) != 0) {
      fail_msg("%s: \"%s\", \"%s\"", cases[index].text, details.unit, details.container);
    }
  }
}

static void text_cut_anywhere_gives_whole_names_or_none(void **state) {
  (void)state;
  static pc_peer_details details;
  const char *text = "0::/docker/" ID "/system.slice/nginx.service\n";
  for (size_t size = 0; size < strlen(text); size++) {
    parse(text, size, &details);
    assert_string_equal(details.unit, "");
    assert_string_equal(details.container, "");
  }
}

static void zero_byte_ends_no_text_early_and_is_part_of_no_name(void **state) {
  (void)state;
  static pc_peer_details details;
  static const char text[] = "0::/a\0b.service\n0::/x/c.service\n";
  parse(text, sizeof text - 1, &details);
  assert_string_equal(details.unit, "c.service");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unit_and_container_are_found_where_they_are_named),
      cmocka_unit_test(text_cut_anywhere_gives_whole_names_or_none),
      cmocka_unit_test(zero_byte_ends_no_text_early_and_is_part_of_no_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
