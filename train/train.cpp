// The program train of one network. The build defines its name, header and classes.
#include CASTNET_NETWORK_HEADER
#include "train/training.h"

int main(int argc, char **argv) {
    return castnet::train_main(argc, argv, CASTNET_PROGRAM, CASTNET_NETWORK::levels, CASTNET_CLASSES);
}
