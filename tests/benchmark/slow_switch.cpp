// Joins namespaces as a slow switch joins machines: frames take a time, and links have a speed.
//
//     slow_switch PORTS MICROSECONDS GIGABITS
//
// Makes the TAP devices port0 … port(PORTS - 1), which the caller moves into namespaces and gives the addresses 02:00:00:00:00:00 and up,
// the last byte the port's number. Then prints "ready", and works until its input ends. Needs root, and CONFIG_TUN. (netem does the same in
// the kernel, but many kernels lack it.)
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

struct Frame {
    Clock::time_point due;
    std::vector<char> bytes;
};

/// One end of a link. Frames leave and arrive one after the other, at the link's speed.
struct Port {
    int device = -1;
    Clock::time_point sends_until, receives_until;
    std::mutex mutex;
    std::condition_variable is_filled;
    std::deque<Frame> frames;  // on their way to this port
};

int open_device(const std::string &name) {
    const int device = ::open("/dev/net/tun", O_RDWR);
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::copy_n(name.data(), std::min(name.size(), sizeof(request.ifr_name) - 1), static_cast<char *>(request.ifr_name));
    if (device < 0 || ::ioctl(device, TUNSETIFF, &request) != 0) {
        std::perror("error: /dev/net/tun");
        std::exit(1);
    }
    return device;
}

class Switch {
public:
    Switch(std::size_t ports, double microseconds, double gigabits)
        : ports_(ports), delay_(static_cast<long>(microseconds * 1e3)), nanoseconds_per_byte_(8 / gigabits) {
        for (std::size_t port = 0; port < ports; port++) ports_[port].device = open_device("port" + std::to_string(port));
    }

    void run() {
        for (Port &port : ports_) {
            std::thread([this, &port] { receive_from(port); }).detach();
            std::thread([&port] { deliver_to(port); }).detach();
        }
    }

private:
    /// Reads what a machine sends, and puts it on the way to the port of its address, or to all others.
    void receive_from(Port &from) {
        std::array<char, 1 << 16> buffer;
        for (;;) {
            const ssize_t size = ::read(from.device, buffer.data(), buffer.size());
            if (size < 14) continue;
            const auto to = static_cast<unsigned char>(buffer[5]);
            const bool is_for_one = buffer[0] == 2 && to < ports_.size();
            for (std::size_t port = 0; port < ports_.size(); port++) {
                if (is_for_one ? port == to : &ports_[port] != &from) send(from, ports_[port], {buffer.data(), buffer.data() + size});
            }
        }
    }

    void send(Port &from, Port &to, std::vector<char> bytes) {
        const Nanoseconds time(static_cast<long>(static_cast<double>(bytes.size()) * nanoseconds_per_byte_));
        from.sends_until = std::max(Clock::now(), from.sends_until) + time;  // only this thread sends from there
        const std::lock_guard lock(to.mutex);
        to.receives_until = std::max(from.sends_until + delay_, to.receives_until + time);
        to.frames.push_back({to.receives_until, std::move(bytes)});
        to.is_filled.notify_one();
    }

    static void deliver_to(Port &port) {
        ::prctl(PR_SET_TIMERSLACK, 1UL);
        for (;;) {
            Frame frame;
            {
                std::unique_lock lock(port.mutex);
                port.is_filled.wait(lock, [&] { return !port.frames.empty(); });
                frame = std::move(port.frames.front());
                port.frames.pop_front();
            }
            std::this_thread::sleep_until(frame.due);
            if (::write(port.device, frame.bytes.data(), frame.bytes.size()) < 0) continue;  // the device is not up yet: the frame is lost
        }
    }

    std::vector<Port> ports_;
    Nanoseconds delay_;
    double nanoseconds_per_byte_;
};

}  // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        std::fputs("error: give the ports, the microseconds and the gigabits\n", stderr);
        return 1;
    }
    Switch machines(std::strtoul(argv[1], nullptr, 10), std::strtod(argv[2], nullptr), std::strtod(argv[3], nullptr));
    machines.run();
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    std::_Exit(0);
}
