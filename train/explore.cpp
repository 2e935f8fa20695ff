// The program explore of one network. The build defines its name, header and classes.
#include CASTNET_NETWORK_HEADER
#include "train/exploring.h"

int main(int argc, char **argv) {
    return castnet::explore_main(argc, argv, CASTNET_PROGRAM, CASTNET_NETWORK::levels, CASTNET_CLASSES);
}
