// libyaml has neither variadics nor macros that we need: the header is enough.
#include <yaml.h>
