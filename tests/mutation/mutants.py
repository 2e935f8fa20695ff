"""Lists wrong versions of the generators and the runtime. Each changes one computation, and the tests must notice.

No mutant changes a choice that costs time alone, such as a tile or a number of lanes.
"""
from __future__ import annotations

from typing import NamedTuple

# Commands of the build folder. The likeliest to notice come first.
RANDOM_SHAPES = "conformance --count 50 --seed 1"
DATA = ("generator_tests -tc=*forward*,*backward_data*", RANDOM_SHAPES)
WEIGHTS = ("generator_tests -tc=*backward_weights*", RANDOM_SHAPES)
CONTRACTIONS = ("generator_tests", RANDOM_SHAPES)
WINOGRAD = ("generator_tests -tc=*Winograd*",)
NETWORKS = ("runtime_tests",)
FILES = ("file_tests", "model_tests", "runtime_tests")
LEVELS = ("runtime_tests", "level_tests")
LANGUAGE = ("language_tests",)
GRID_MAPS = ("generator_tests -tc=grid*",)
PROGRAMS = ("runtime_tests", "model_tests", "program_tests")


class Mutant(NamedTuple):
    file: str
    tests: tuple[str, ...]
    old: str  # occurs exactly once in the file
    new: str
    breaks: str


# Each file's tests, and its mutants: what is replaced, by what, and what that breaks.
CHANGES = {
    # From the large grid to the small one.
    "generators/correlate.cpp": (DATA, [
        ("x * stride_x + kx - pad_x", "x * stride_x + kx + pad_x", "the sign of the columns' padding"),
        ("y * stride_y + ky - pad_y", "y * stride_x + ky - pad_y", "rows take the columns' stride"),
        ("kernel(c, r.x, r.y, r.z) * value", "kernel(c, r.x, kernel_width - 1 - r.y, r.z) * value", "the kernel is mirrored"),
        ("sum(c, x, y, n) += kernel(", "sum(c, x, y, n) -= kernel(", "the sign of every product"),
        ("return min(channel, large_channels - 1);", "return min(channel, large_channels - 2);", "the last channel reads its neighbour"),
        ("column = tap + taps * r.y;", "column = tap + r.y;", "columns of the kernel are read twice"),
        ("sum(c, x, y, n) += partial(all.x, all.y, c, x, y, n);", "sum(c, x, y, n) += partial(all.x, 0, c, x, y, n);",
         "the first accumulator stands for all of a row of the kernel"),
    ]),

    # In fewer products.
    "generators/winograd.h": (WINOGRAD, [
        ("row == 2, at(2) - at(1), at(1) - at(3)", "row == 2, at(1) - at(2), at(1) - at(3)", "the sign of a transformed input"),
        ("row == 2, even - odd,", "row == 2, even + odd,", "two transformed taps are alike"),
        ("d == 3 ? -at(d) : at(d)", "at(d)", "the sign of a product in every last output"),
        ("row == 3, element(-1)", "row == 4, element(-1)", "the sign of a transformed output gradient"),
        ("difference, sum + at(3))", "difference, sum)", "the last of three taps' gradient lacks a number"),
        ("at(0) + sum, difference + at(3))", "at(0) + sum, difference)", "the last of two taps' gradient lacks a number"),
        ("x < width &&", "x <= width &&", "a column beyond the grid repeats the last"),
        ("p / form.stride_x - pad_y", "p / form.stride_x", "rows without their padding"),
        ("p % form.stride_x - pad_x", "p / form.stride_y - pad_x", "columns take the rows' phase"),
        ("row == 1 || row == 2, element(0.5)", "row == 1, element(0.5)", "a transformed tap is twice itself"),
        ("form.phases() / tiling.made_phases());", "1);", "the first phase stands for all"),
    ]),

    # From the small grid to the large one.
    "generators/spread.cpp": (DATA, [
        ("first_x = (phase_x + pad_x) % stride_x, first_y = (phase_y", "first_x = phase_x % stride_x, first_y = (phase_y",
         "the first tap of a phase without the padding"),
        ("x + (phase_x + pad_x) / stride_x - r.y, small_width", "x + phase_x / stride_x - r.y, small_width",
         "the shift of a phase without the padding"),
        ("y + (phase_y + pad_y) / stride_y - r.z, small_height", "y + (phase_y + pad_y) / stride_x - r.z, small_height",
         "rows take the columns' stride"),
        ("+= kernel(c, r.x, kx, ky) * padding.window(r.x, column, row, n)",
         "+= kernel(c, r.x, ky, kx) * padding.window(r.x, column, row, n)",
         "the kernel is transposed"),
        ("x % stride_x, x / stride_x, y % stride_y, y / stride_y", "x % stride_x, x / stride_x, 0, y / stride_y",
         "every row is of the first phase"),
        ("r.where(r.y <= (kernel_width - 1 - first_x) / stride_x", "r.where(r.y <= (kernel_width - first_x) / stride_x",
         "a tap beyond the kernel is counted"),
        ("column = accumulator / large_channels + pad_x, row = y + pad_y;", "column = accumulator / large_channels + pad_x, row = y;",
         "rows without their padding, where lanes are added up"),
        ("sum(a, xo, y, n) = initial(a % large_channels);", "sum(a, xo, y, n) = initial(0);",
         "every channel has the first one's bias, where lanes are added up"),
        ("y + pad_y - stride_y * r.z", "y - pad_y - stride_y * r.z",
         "the sign of the rows' padding, where positions are few"),
        ("to - 1 + pad < reach;", "to - 1 + pad <= reach;", "a kernel one column short is taken to cover the grid"),
        ("return pad - stride * (from - 1) >= 0 &&", "return pad - stride * (from - 1) >= -1 &&",
         "a kernel that begins one column late is taken to cover the grid"),
    ]),

    # The kernel's gradient and the bias's.
    "generators/kernel_gradient.cpp": (WEIGHTS, [
        ("r.x * stride_x + kx - pad_x", "r.x * stride_x + kx + pad_x", "the sign of the columns' padding"),
        ("small_row * stride_y + ky - pad_y", "small_row + ky - pad_y", "rows without their stride"),
        ("const Expr small_row = b * rows + r.y;", "const Expr small_row = b + r.y;", "a block of rows begins where an earlier one does"),
        ("decays ? *decay * (*kernel)", "decays ? -*decay * (*kernel)", "the sign of the penalty"),
        ("out(sc, lc, kx, ky) = penalty;", "out(sc, lc, kx, ky) = element(0);",
         "the penalty is left out, where images are summed in memory"),
        ("small(sc, r.x, small_row, n + r.z)", "small(sc, r.x, small_row, n)",
         "the first image stands for all, where they are summed in registers"),
        ("if (output_grid == Grid::small)", "if (output_grid == Grid::large)", "the bias's gradient is the other grid's"),
    ]),
    "generators/bias_gradient.h": (WEIGHTS, [
        ("grid(c, position.x * columns_aside() + chain, position.y, position.z)", "grid(c, position.x + chain, position.y, position.z)",
         "the bias's chains overlap"),
        ("total(c) += partial(c + channels_ * all);", "total(c) += partial(c + all);", "the bias's sum mixes channels"),
    ]),

    # What the contractions share.
    "generators/transpose_kernel.cpp": (CONTRACTIONS, [
        ("kernel(s, c, kx, ky);", "kernel(s, c, kernel_width - 1 - kx, ky);", "the kernel is mirrored"),
        ("kernel(s, c, kx, ky);", "kernel(s, c, kx, kernel_height - 1 - ky);", "the kernel is upside down"),
    ]),
    "generators/stretch_kernel.cpp": ((RANDOM_SHAPES,), [
        ("own_width() - 1 - x + j.x, row = ", "own_width() - 1 - x, row = ", "a repeated column counts once"),
        ("column >= 0 && column < own_width()", "column >= 0 && column <= own_width()", "a column beyond the kernel repeats the last"),
    ]),
    "generators/fold_gradient.cpp": ((RANDOM_SHAPES,), [
        ("own_height() - 1 - y + j.y);", "y + j.y);", "the gradient of the kernel is upside down"),
        ("sum(sc, lc, x, y) + *decay_ *", "sum(sc, lc, x, y) - *decay_ *", "the sign of the penalty"),
    ]),
    "generators/contraction.h": (CONTRACTIONS, [
        ("r.where(index >= 0 && index < extent);", "r.where(index > 0 && index < extent);", "the first row or column is skipped"),
        ("r.where(index >= 0 && index < extent);", "r.where(index >= 0 && index <= extent);", "a row or column beyond the last is read"),
    ]),
    "generators/data_contraction.h": (CONTRACTIONS, [
        ("(*bias_)(channel) : element(0)", "-(*bias_)(channel) : element(0)", "the sign of the bias"),
        ("select(lane < wide_channels,", "select(lane <= wide_channels,", "a lane beyond the last channel repeats it"),
        ("this->define_gradient_epilogue(pixels, shape);", "epilogue = activate({\"linear\"}, pixels, channels);",
         "the activation's derivative is left out"),
    ]),
    "generators/padding.h": (CONTRACTIONS, [
        ("window(r.x, r.y, r.z, n) = element(0);", "window(r.x, r.y, r.z, n) = element(1);", "padding of ones"),
        ("= grid(r.x, r.y, r.z, n);", "= grid(r.x, width - 1 - r.y, r.z, n);", "the padded copy is mirrored"),
    ]),
    "generators/activation.h": ((*CONTRACTIONS, "double_gradient_tests"), [
        ("return max(z, 0.0F);", "return max(z, -0.01F);", "relu lets small negative numbers through"),
        ("select(y > 0.0F, g, element(0))", "select(y >= 0.0F, g, element(0))", "the derivative of relu where it is off"),
        ("select(z > 0.0F, z, element(activation.parameter) * z)", "max(z, 0.0F)", "leaky_relu lets nothing through below zero"),
        ("select(y > 0.0F, g, element(activation.parameter) * g)", "select(y > 0.0F, g, element(0))", "the slope of leaky_relu's derivative"),
        ("(exp(clamp(z, -80.0F, 0.0F)) - 1.0F)", "exp(clamp(z, -80.0F, 0.0F))", "elu's limit"),
        ("g * (y + element(activation.parameter))", "g * (y + element(1))", "elu's derivative takes every parameter for 1"),
        ("log(1.0F + exp(-min(abs(z), 80.0F)))", "exp(-min(abs(z), 80.0F))", "the logarithm in softplus"),
        ("g * (1.0F - exp(-min(y, 80.0F)))", "g * exp(-min(y, 80.0F))", "softplus's derivative"),
        ("return z * normal_share(z);", "return z * z * normal_share(z);", "a factor of gelu"),
        ("g * (normal_share(z) +", "g * (normal_share(z) -", "the sign in gelu's derivative"),
        ("return z * logistic(z);", "return logistic(z);", "a factor of silu"),
        ("logistic(z) * (1.0F + z * (1.0F - logistic(z)))", "logistic(z) * (1.0F + z)", "a term of silu's derivative"),
        ("exp(-clamp(z, -80.0F, 80.0F))", "exp(clamp(z, -80.0F, 80.0F))", "the sign in the sigmoid"),
        ("g * (y * (1.0F - y))", "g * (1.0F - y)", "a factor of the sigmoid's derivative"),
        ("element(2.0 / 15)", "element(1.0 / 15)", "a coefficient of tanh's series"),
        ("g * (1.0F - y * y)", "g * (1.0F + y * y)", "the sign in tanh's derivative"),
        ("largest(x, y, n) = max(largest(x, y, n), z(r, x, y, n));", "largest(x, y, n) = element(0) * z(r, x, y, n);",
         "softmax overflows on large numbers"),
        ("(gradient(c, x, y, n) - projection(x, y, n))", "gradient(c, x, y, n)", "a term of softmax's derivative"),
    ]),

    # The loss and the optimizer.
    "generators/loss.cpp": ((*NETWORKS, "double_gradient_tests"), [
        ("r = y - t,", "r = t - y,", "the sign of the residual"),
        ("= scale * term.derivative", "= term.derivative", "the gradient's factor"),
        ("Function{\"linear\"} : last, scaled", "Function{\"linear\"} : Function{\"linear\"}, scaled", "the last activation's derivative is left out"),
        ("select(index < along(),", "select(index <= along(),", "the last error is counted twice"),
        ("clamp(r, -delta, delta)", "r", "huber's derivative is not bounded"),
        ("delta * (abs(r) - 0.5F * delta)", "delta * abs(r)", "huber jumps where it becomes linear"),
        ("{abs(r), sign}", "{abs(r), r}", "the derivative of the absolute error"),
        ("(p - t) / (p * (1.0F - p))", "(p - t)", "a factor of the cross-entropy's derivative"),
        ("softplus(z) - z * t", "softplus(z) + z * t", "the sign in the cross-entropy of a sum"),
        ("logistic(z) - t}", "logistic(z)}", "the target in the cross-entropy's derivative by a sum"),
    ]),
    "generators/activate.cpp": (NETWORKS, [
        ("activate_element(activation_of(activation), sums(i))", "sums(i)", "an activation of its own does nothing"),
    ]),
    "generators/squared_norm.cpp": (NETWORKS, [
        ("value * value", "abs(value)", "the penalty is of the first power"),
        ("select(index < count,", "select(index <= count,", "the last weight is counted twice"),
    ]),
    "generators/tree.h": (NETWORKS, [
        ("add(count > 3, row(2), row(3))", "row(2)", "the last of four rows is left out"),
        ("add(count > 2, add(count > 1, row(0), row(1)), add(count > 3, row(2), row(3)))",
         "add(count > 3, add(count > 2, add(count > 1, row(0), row(1)), row(2)), row(3))", "four rows are added in their order"),
        ("add(count > 1, row(0), row(1))", "strict_float(row(0) + row(1))", "a row that is missing counts"),
    ]),
    "generators/adam.cpp": (NETWORKS, [
        ("(g - now[1])", "(g + now[1])", "the sign of the first moment's decay"),
        ("(1.0F - beta_2) *", "(1.0F - beta_1) *", "the second moment decays as the first does"),
        ("(sqrt(v) + epsilon)", "sqrt(v + epsilon)", "epsilon under the root"),
        ("rate * m /", "rate * now[1] /", "the step takes the moment before the gradient"),
        ("decay * now[0] +", "decay +", "weights decay by a constant"),
    ]),
    "generators/sgd.cpp": (NETWORKS, [
        ("(decay * now[0] + rate * g)", "(decay * now[0] - rate * g)", "sgd climbs"),
        ("(decay * now[0] + rate * g)", "rate * g", "the weights of sgd do not decay"),
    ]),
    "generators/momentum.cpp": (NETWORKS, [
        ("momentum * now[1] - rate * g;", "momentum * (now[1] - rate * g);", "momentum weighs the gradient too"),
        ("select(nesterov, momentum * v", "select(nesterov, momentum * now[1]", "Nesterov's momentum is the usual one"),
        (", v) - decay * now[0])", ", v) - decay * v)", "the velocity decays for the weights"),
    ]),

    # Layers without weights.
    "generators/max_pool.cpp": (GRID_MAPS, [
        ("mapped(c, x, y, n) = element_type().min();", "mapped(c, x, y, n) = element(0);", "a maximum is never negative"),
        ("return clamp(o * stride_y - pad_y + window.y, 0, large_height - 1);", "return clamp(o * stride_y + window.y, 0, large_height - 1);",
         "rows without their padding"),
        ("is_inside && value > winner(c, x, y, n)[1]", "is_inside && value >= winner(c, x, y, n)[1]", "the last of equal numbers wins"),
        ("is_inside && value > winner", "value > winner", "a cell outside wins for its neighbour"),
        ("== ky * kernel_width + kx;", "== kx * kernel_height + ky;", "windows are counted column by column"),
        ("&& oy < small_height && kx", "&& kx", "a window below the last gives its gradient again"),
        ("kx < kernel_width && ky", "ky", "a cell between windows takes a gradient"),
        ("ceil_div(kernel_width, stride_x), 0, ceil_div(kernel_height, stride_y)", "1, 0, ceil_div(kernel_height, stride_y)",
         "a cell belongs to one window of a row alone"),
    ]),
    "generators/resample.cpp": (GRID_MAPS, [
        ("min(end, large) - max(begin, 0) : Halide::Expr(1)", "Halide::Expr(window) : Halide::Expr(1)", "a mean counts the cells outside"),
        ("map == Map::average ? min(end", "map != Map::average ? min(end", "upsampling takes a mean"),
        ("clamp(2 * i + 1 - stride, 0, unit * (small - 1))", "(2 * i + 1 - stride)", "bilinear edges fade to zero"),
        ("clamp(2 * i + 1 - stride, 0", "clamp(2 * i - stride, 0", "bilinear centres lie half a cell off"),
        ("(i + pad - window) / stride + 1", "(i - window) / stride + 1", "windows of a cell without the padding"),
        ("o * stride - (map == Map::bilinear ? stride / 2 : pad)", "o * stride - (map == Map::bilinear ? 0 : pad)",
         "the gradient of an interpolation misses the cells before"),
        ("row_weight(y, r.y) * column_weight(x, r.x)", "row_weight(y, r.y)", "columns are not weighted"),
    ]),
    "generators/dropout.cpp": (GRID_MAPS, [
        ("element(0), scale * from", "element(0), from", "what is kept is not scaled"),
        ("drawn < threshold", "drawn >= threshold", "what should stay is dropped"),
        ("draw(key, first_image + n)", "draw(key, n)", "every shard draws the same"),
        ("large_channels * (x + large_width * y)", "large_channels * (x + y)", "pixels of a diagonal draw the same"),
    ]),
    "generators/grid_map.h": (GRID_MAPS, [
        ("this->define_gradient_epilogue(mapped, to_shape);", "epilogue = activate({\"linear\"}, mapped, to_shape[0]);",
         "the previous activation has no derivative"),
    ]),
    "generators/language/pipelines.cpp": (NETWORKS, [
        ("one_learns = one_learns || description.learns();", "one_learns = true;", "gradients are sent to layers that do not learn"),
        ("if (layer.is_taken_in) continue;", "if (layer.is_taken_in) { activation_before = \"linear\"; continue; }",
         "a gradient behind an upsample forgets the activation before it"),
        ("add(\"fold_gradient\", \"fold_gradient\", {{\"decays\", decays}}, false);", "add(\"fold_gradient\", \"fold_gradient\", {{\"decays\", \"false\"}}, false);",
         "a layer that takes in an upsample is not penalized"),
    ]),

    # The network around the pipelines.
    "runtime/network.cpp": (NETWORKS, [
        ("static_cast<float>(shards.images));", "static_cast<float>(images));", "a shard's gradient is the mean over the shard"),
        ("node.first == 0 ? 2 * layer.l2 : 0", "2 * layer.l2", "every shard adds the penalty's gradient"),
        ("node.first == 0 ? 2 * layer.l2 : 0", "node.first == 0 ? layer.l2 : 0", "half the penalty's gradient"),
        ("result.loss += static_cast<double>(l2)", "result.loss = static_cast<double>(l2)", "the last layer's penalty stands for all"),
        ("examples.targets.copy(batch.indices[first + image]", "examples.targets.copy(batch.indices[image]",
         "every shard learns the first one's targets from a store"),
        ("targets = batch.targets + first * out.size();", "targets = batch.targets;", "every shard learns the first one's targets"),
        ("begin + static_cast<std::size_t>(pieces.first_image(piece))", "static_cast<std::size_t>(pieces.first_image(piece))",
         "later batches of a forward pass repeat the first"),
        ("float *const output = free_grid(worker, input);", "float *const output = scratch(worker);", "a layer writes over what it reads"),
        ("input_of(l), kept_by(before), input_gradient", "kept_by(before), kept_by(before), input_gradient",
         "a maximum is looked for among sums"),
        ("images, draw_of(l, first));\n        if (error", "images);\n        if (error", "the backward pass forgets what dropout drew"),
        ("Random(*draw_ + layer)", "Random(*draw_)", "all dropout layers draw the same"),
        ("Random(Random(seed).next() + step)", "Random(Random(seed).next())", "every step draws the same"),
        (".first_image = static_cast<std::int32_t>(first_image)", ".first_image = 0", "every shard draws the same"),
        ("layer.learns() ? sharded : frozen", "frozen", "moments of another layer"),
        ("l > 0 && offsets[l - 1].output.begin == 0 ?", "l % 2 == 1 ?", "a layer behind an upsample that it takes in writes over what it reads"),
        ("own.kept = offsets[l - 1].kept;", "own.kept = offsets[l - 1].output;", "behind an upsample, outputs are taken for sums"),
        (".scratch = free_grid(worker, gradient)", ".scratch = gradient", "a kernel's gradient is written over the output's"),
        ("input_of(l), kept_by(before), input_gradient", "input_of(l), input_of(l), input_gradient",
         "a derivative is taken from the output for the sums"),
        ("2 * layer.l2,\n", "layer.l2,\n", "half the penalty's gradient where it is summed over the batch"),
        ("l == 0 ? gathered_ : offsets_[l - 1].output;", "l == 0 ? gathered_ : offsets_[l - 1].kept;",
         "a gradient that is summed over the batch takes sums for inputs"),
        ("    if (description_->layers[layer].sums_over_batch()) return range;\n", "", "what is summed over the batch is summed over shards too"),
        ("layers.front().sums_over_batch() ? in_batch(description_->input) : in_scratch", "in_scratch",
         "the first layer sums one shard's images over the batch"),
        ("loss /= static_cast<float>(elements)", "loss /= static_cast<float>(elements + 1)", "an image's loss is the mean over one element more"),
        ("parallel_for(&failure_, static_cast<int>(description_->layers.size()), body)",
         "parallel_for(&failure_, static_cast<int>(description_->layers.size()) - 1, body)",
         "the last layer's kernel is not transposed"),
        ("list_pieces(description_->sharding(batch.images));", "list_pieces(description_->sharding(batch_size()));", "pieces of a larger batch are computed"),
        ("std::fill(gradients.bias + layer.bias_size(), sum + size, 0.0F);", "", "what another layer left behind a bias is summed"),
        ("middle = node.first + half;", "middle = node.first + half / 2;", "processes add up another tree"),
        ("exponent = 0x7f800000;", "exponent = 0x7f000000;", "large numbers are taken for infinite ones"),
        ("if (is_ready()) failure_.clear();\n    return fail(message);", "return fail(message);", "an earlier error's message stays"),
        ("if (is_ready()) failure_.clear();", "failure_.clear();", "a network that is not ready forgets why"),
        ("    fail(message.data());\n    return error;", "    return error;", "an error whose message went elsewhere has an earlier one's"),
        ("arena.size() < layout_.bytes()", "arena.size() + 1 < layout_.bytes()", "an arena one byte short is taken"),
    ]),
    "runtime/failure.cpp": (NETWORKS, [
        ("if (!is_kept_.exchange(true))", "is_kept_ = true;", "the last error's message of a call is kept, not the first's"),
        ("handler != nullptr", "handler == nullptr", "the program's own error handler hears nothing"),
        ("handler(context, message);", "handler(nullptr, message);", "the program's own error handler does not hear whose error it is"),
        ("    *place = next_;\n", "", "a network that is gone still takes errors"),
        ("failure != context", "false", "the network that came last takes every error"),
    ]),
    "runtime/target.cpp": (LEVELS, [
        ("return !feature.present && asks_for", "return feature.present && asks_for", "what the CPU has is lacking"),
        ("levels.back() : *found", "levels.front() : *found", "a CPU without any level is told what the greatest lacks"),
        ("if (!is_lacking(feature, target)) continue;", "continue;", "every CPU will do"),
    ]),
    "runtime/layer.cpp": (NETWORKS, [
        (".small = map.makes_large ? in : out,\n                                                       .kernel",
         ".small = map.makes_large ? out : in,\n                                                       .kernel", "a gradient reads one grid twice"),
        ("return spreads ? transposed_operand", "return !spreads ? transposed_operand",
         "every pass reads the kernel in the other's layout"),
    ]),
    "runtime/optimizer.cpp": (NETWORKS, [
        ("static_cast<double>(steps);", "static_cast<double>(steps + 1);", "the bias correction is a step ahead"),
        ("std::sqrt(1 - std::pow(static_cast<double>(beta_2), t))", "(1 - std::pow(static_cast<double>(beta_2), t))",
         "the bias correction without its root"),
        ("    steps = 0;\n", "", "the steps are not forgotten with the moments"),
        ("for (const Block moments : network.moments())", "for (const Block moments : network.moments().first(0))",
         "the moments are not forgotten"),
        ("return network.prepare_kernel(layer);", "return 0;", "a step leaves the transposed kernel as it was"),
        ("optimizer.learning_rate * optimizer.weight_decay", "optimizer.weight_decay", "weights decay at any learning rate"),
        ("if (norm <= optimizer.clip_norm) continue;", "if (norm >= optimizer.clip_norm) continue;", "small gradients are scaled up"),
        ("value *= optimizer.clip_norm / norm;", "value *= optimizer.clip_norm / squared_norm;", "gradients are clipped by their squared norm"),
        ("if (!(number >= 0))", "if (number < 0)", "an optimizer's NaN is taken"),
    ]),
    "runtime/detector.cpp": (("runtime_tests -tc=detector*",), [
        ("learned_ == options_.windows_to_learn ? learn_batch() : 0", "false ? learn_batch() : 0", "the last windows are not learned"),
        ("std::exchange(collected_, 0)", "collected_", "a batch is learned but not begun anew"),
        ("options_.quantile > 0 ? quantile_.value()", "options_.quantile < 0 ? quantile_.value()", "the threshold is never a quantile"),
        ("!(result.score <= threshold())", "result.score <= threshold()", "what is usual is unusual"),
        ("64U - static_cast<unsigned>(options_.last_windows)", "63U - static_cast<unsigned>(options_.last_windows)", "one verdict more counts"),
        (">= options_.votes", "> options_.votes", "one vote more is needed"),
        ("moments_.count() >= options_.windows_to_calibrate", "moments_.count() > options_.windows_to_calibrate", "one more window calibrates"),
    ]),
    "runtime/streaming.h": (("runtime_tests -tc=streaming*",), [
        ("before * (number - mean_)", "before * before", "the deviation of numbers from an old mean"),
        ("static_cast<double>(count_ - 1))", "static_cast<double>(count_))", "the deviation of a population"),
        ("rates_[i] * static_cast<double>(count_ - 1)", "rates_[i - 1] * static_cast<double>(count_ - 1)", "markers follow other quantiles"),
        ("number < heights_[i]) places_[i]++", "number > heights_[i]) places_[i]++", "markers move the wrong way"),
    ]),
    "runtime/random.cpp": (NETWORKS, [
        ("z >> 27U", "z >> 28U", "another mixing function"),
        ("product) >= rejected", "product) >= 0", "below() is biased"),
        ("static_cast<std::uint32_t>(i))]", "static_cast<std::uint32_t>(i - 1))]", "a shuffle leaves no value where it was"),
        ("6.0F / (area", "3.0F / (area", "the range of the initial weights"),
        ("(2 * random.uniform() - 1)", "random.uniform()", "no initial weight is negative"),
    ]),
    "runtime/autoencoder.cpp": (NETWORKS, [
        ("inputs > static_cast<std::size_t>(network_.batch_size())", "inputs >= static_cast<std::size_t>(network_.batch_size())",
         "a full batch is refused"),
        ("layers[last - 1].output) != images", "layers[last - 1].output) < images", "more room than outputs is taken for right"),
        ("    optimizer_.begin_anew(network_);\n    return network_.weights_changed();", "    return network_.weights_changed();",
         "the moments of other weights stay"),
    ]),
    "runtime/description.h": (NETWORKS, [
        ("which == Block::gradients ? slots", "which == Block::gradients ? slots - 1", "the gradients lie on the last moment"),
        ("is_taken_in ? 2 : 1) >= first;", "is_taken_in ? 2 : 0) >= first;", "what the first layer that learns has read is lost"),
        ("is_taken_in ? 2 : 1) >= first;", "is_taken_in ? 1 : 1) >= first;", "what it has read of an upsample that it takes in is lost"),
    ]),
    "runtime/sharding.h": (NETWORKS, [
        ("shard < shards ? shard * images_per_shard : images", "shard * images_per_shard", "the last shard reaches beyond the batch"),
        ("(range.end & (range.end - 1)) >= least", "false", "processes have more subtrees than they must"),
        ("range.end == shards ? std::bit_ceil(static_cast<unsigned>(shards)) : static_cast<unsigned>(range.end)", "static_cast<unsigned>(range.end)",
         "the last process has more subtrees than it must"),
    ]),
    "runtime/exchange.cpp": (NETWORKS, [
        ("if (from != layout_.place.rank) std::copy_n(end,", "if (from > layout_.place.rank) std::copy_n(end,", "images of earlier processes are not heard of"),
        ("state.wishes |= ", "state.wishes = ", "only the last process's wish is heard"),
        ("if (batch.images == planned_images_) return;", "if (planned_images_ != 0) return;", "messages have an earlier batch's sizes"),
        ("if (const int error = std::bit_cast<int>(message[0]); error != 0) state.error = error;", "", "another process's failure is not heard"),
        ("return error != 0 || owned == 0 ? error :", "return true ? error :", "weights of layers that sum over the batch are not heard of"),
    ]),
    "runtime/parallel.h": (NETWORKS, [
        ("if (piece >= firsts) wait_until(done, [&](int pieces) { return pieces >= firsts; });", "",
         "the second half of a round does not wait for the first"),
        ("looks_before_sleep = 2000;", "looks_before_sleep = 2000000000;", "workers that wait do not sleep"),
        ("error.exchange(0)", "error.load()", "an error stays for all rounds"),
    ]),
    "runtime/denormals.h": (NETWORKS, [
        ("0x8040;", "0x8000;", "denormal operands are not zero"),
    ]),

    # Data and models.
    "runtime/corruption.cpp": (NETWORKS, [
        ("return Random(Random(key).next() + number).next();", "return Random(key + number).next();",
         "an image draws what its neighbour draws in the next epoch"),
        ("std::sqrt(-2 * std::log(", "std::sqrt(-1 * std::log(", "the noise has half its variance"),
        ("2 * std::numbers::pi_v<float>", "std::numbers::pi_v<float>", "half of the noise has one sign"),
        ("image[i + 1] + radius * std::sin(angle)", "image[i + 1] + radius * std::cos(angle)", "two neighbours have the same noise"),
        ("image[i] + radius * std::cos(angle), least, most)", "image[i] + radius * std::cos(angle), 0.0F, most)",
         "noise is clipped at 0, whatever the data's range"),
        ("random.uniform() < mask", "random.uniform() > mask", "the mask keeps what it should take"),
        ("static_cast<std::size_t>(channels)", "static_cast<std::size_t>(1)", "the mask takes channels of a pixel one by one"),
    ]),
    "train/data/pairs.cpp": (("file_tests", "program_tests"), [
        ("const std::vector<int> labels = pairs.images.labels;", "const std::vector<int> labels = pairs.targets->labels;",
         "the targets' labels choose the images"),
        ("!= pairs.images.size())", "< pairs.images.size())", "targets without images are left out"),
        ("corruption.least = least;", "", "noise on floats is clipped at 0"),
        ("corruption.most = most;", "", "noise on floats is clipped at 1"),
    ]),
    "train/training.cpp": (PROGRAMS, [
        ("Corruption::key_of(options_.seed, static_cast<std::uint64_t>(state_.epoch))", "Corruption::key_of(options_.seed, 0)",
         "every epoch has the same noise"),
        ("Corruption::key_of(options_.seed, static_cast<std::uint64_t>(state_.epoch))",
         "Corruption::key_of(0, static_cast<std::uint64_t>(state_.epoch))", "every seed has the same noise"),
    ]),
    "generators/language/fusion.cpp": (LANGUAGE, [
        ("convolution.stride_y == 1 && ", "", "a convolution with a stride of rows takes in an upsample"),
        ("convolution.stride_x == 1 &&", "", "a convolution with a stride of columns takes in an upsample"),
        ("upsample.interpolation == \"nearest\" &&", "", "a convolution takes in bilinear upsampling"),
        ("convolution.input == upsample.output &&", "", "a convolution takes in an upsample whose grid was reshaped"),
        ("if (l != architecture.encoder_layers) ", "", "the decoder takes in the code's upsample"),
        ("std::size_t l = 2;", "std::size_t l = 1;", "the network's first layer is taken in"),
        (" && stretched <= 4 * taps &&", " &&", "a small kernel takes in an upsample by a large factor"),
    ]),
    "generators/language/mending.cpp": (LANGUAGE, [
        ("l + 1 == count ? architecture.output : ", "", "the last layer is to make the input"),
    ]),
    "runtime/batch.h": (FILES, [
        ("static_cast<float>(byte) / 255.0F", "static_cast<float>(byte) / 256.0F", "white is not 1"),
    ]),
    "train/data/dataset.cpp": (FILES, [
        ("rest.insert(rest.end(), indices.begin() + count,", "rest.insert(rest.end(), indices.begin(),",
         "a split trains on what it validates"),
        ("dataset.labels.empty() ? 0 : dataset.labels[i]", "0", "a split does not look at the classes"),
    ]),
    "train/data/data_folder.cpp": ((*FILES, "program_tests"), [
        ("std::abs(value) < limit", "std::abs(value) <= limit", "a label that may be a neighbour's is taken"),
        ("pixel / width, pixel % width", "pixel % width, pixel / width", "rows and columns of a message"),
        ("shape.size() != 1 ||", "", "labels of several dimensions are taken"),
    ]),
    "train/data/data_folder.h": (FILES, [
        ("return !holds(part) && holds(other) ? other : part;", "return holds(other) ? other : part;",
         "the other part is read though both are there"),
    ]),
    "train/data/idx_folder.cpp": (FILES, [
        ('part == Part::train ? "train" : "t10k"', 'part == Part::test ? "train" : "t10k"', "training and test images are mixed up"),
        ("extents.size() != 2 || shape.channels != 1", "extents.size() != 2", "grey images are taken for coloured ones"),
    ]),
    "train/data/idx.cpp": (FILES, [
        ("std::bit_cast<std::int8_t>(*bytes)", "std::to_integer<std::uint8_t>(*bytes)", "signed bytes are read as unsigned"),
        ("static_cast<Unsigned>(value << 8U | std::to_integer<unsigned>(bytes[i]))",
         "static_cast<Unsigned>(value | Unsigned{std::to_integer<std::uint8_t>(bytes[i])} << 8 * i)",
         "numbers are read from the wrong end"),
        ("gzread(file_.get(), &beyond, 1) > 0", "gzread(file_.get(), &beyond, 1) > 1", "what follows the data is not seen"),
        ("status != Z_OK && status != Z_STREAM_END", "status == Z_MEM_ERROR", "a wrong checksum is not seen"),
        ("subspan(4 + 4 * shape_.size())", "subspan(4 * shape_.size())", "mapped images begin in the header"),
        ("gzdirect(file_.get()) == 0 || size_", "size_", "a compressed file is mapped"),
    ]),
    "train/data/npy.cpp": (FILES, [
        ("version == 1 ? 2 : 4", "version == 1 ? 2 : 2", "the header of format 2 is not understood"),
        ("+ header.size() + 1) % 64 != 0", "+ header.size() + 1) % 16 != 0", "the data does not begin where the format asks"),
        ("if (*header.fortran_order)", "if (!header.fortran_order)", "Fortran's order is read as C's"),
        ("if (*size != data.size())", "if (*size > data.size())", "what follows the data is not seen"),
        ("% alignof(float) == 0", "% alignof(float) >= 0", "mapped floats lie where no float can"),
    ]),
    "train/data/dataset.cpp": (FILES, [
        ("is_split_off[i] ? split_off : rest", "is_split_off[i] ? rest : split_off", "what is split off is trained on"),
        ("shuffle(indices, random);", "", "a split takes the first images of each class"),
    ]),
    "train/data/npy_folder.cpp": (FILES, [
        ('"train-labels.npy" : "test-labels.npy"', '"train-labels.npy" : "train-labels.npy"',
         "test images take the training images' labels"),
    ]),
    "train/data/npy_images.cpp": (FILES, [
        ("array.kind == NpyKind::integers", "array.kind == NpyKind::bytes", "wide integers are taken, bytes refused"),
    ]),
    "train/data/image_folder.cpp": (FILES, [
        ("if (numbers.size() == names.size())", "if (!numbers.empty())", "one number makes all names numbers"),
        ("!entry->path().filename().string().starts_with('.')", "true", "hidden files are images"),
    ]),
    "train/data/png.cpp": (FILES, [
        ("static_cast<png_uint_32>(shape.height) ||", "static_cast<png_uint_32>(shape.height) &&", "an image of one wrong extent is read"),
        ("png_set_strip_16(png_)", "png_set_scale_16(png_)", "16 bits are rounded as no peer does"),
        ("png_set_strip_alpha(png_)", "", "alpha is taken for a colour"),
    ]),
    "train/files/safetensors.cpp": (FILES, [
        ("if (begin != covered)", "if (begin < covered)", "holes between tensors are not seen"),
        ("if (covered != data_size)", "if (covered > data_size)", "what follows the last tensor is not seen"),
        ("text.resize((text.size() + 7) / 8 * 8, ' ');", "", "the data does not begin where the format asks"),
    ]),
    "train/files/safetensors_header.cpp": (FILES, [
        ("if (has_duplicates(header.tensors))", "if (false && has_duplicates(header.tensors))", "a tensor may be named twice"),
    ]),
    "train/files/file.cpp": (FILES, [
        ("Descriptor file(unfinished.path(), O_WRONLY", "Descriptor file(path, O_WRONLY", "a write destroys the old file before the new one is there"),
        ("    ::unlink(path_.c_str());\n", "", "a write that fails leaves its temporary file"),
    ]),
    "train/files/architecture.cpp": (NETWORKS, [
        ("use == Use::resume ? line : without_training(line)", "without_training(line)", "a run goes on with other penalties"),
    ]),
    "generators/language/layer.cpp": (LANGUAGE, [
        ("statement.trainable ? statement.l2 : 0", "statement.l2", "a frozen layer is penalized"),
        ("if (kind == LayerKind::upsample) return input * window.stride;", "if (kind == LayerKind::upsample) return input * 2;",
         "every upsampling doubles"),
        ("if (is(PaddingMode::same)) return \"same\";", "if (is(PaddingMode::same)) return \"valid\";", "models tell no padding apart"),
        ("statement.x.before, statement.x.after, output", "0, statement.x.after, output", "models do not tell zeros before a row apart"),
    ]),
    "train/files/checksum.cpp": (FILES, [
        ("if (bytes.empty()) return before;", "", "images without labels are all the same"),
    ]),
    "train/options/train_options.cpp": (("program_tests -tc=*options:*,*--resume*,*earlier*",), [
        ("learning_rate.initial, chosen.learning_rate", "learning_rate.initial, 1e-3F", "sgd has Adam's learning rate"),
        ("    earlier.insert(earlier_optimizer.begin(), earlier_optimizer.end());\n", "", "an earlier version's run goes on with another optimizer"),
    ]),
    "train/files/model_file.cpp": (PROGRAMS, [
        ('{Block::moments_2, "adam/v/"}', '{Block::moments_1, "adam/v/"}', "a checkpoint keeps the first moment twice"),
        ('{Moments{Block::moments_1, "sgd/v/"}}', '{Moments{Block::weights, "sgd/v/"}}', "a checkpoint keeps the weights for the velocities"),
        ("1e-3F * scale", "1e+3F * scale", "the self-test allows anything"),
        ("        restore_weights(model, before);\n", "", "a refused model's weights stay"),
        ("!std::ranges::equal(tensor->shape, wanted.shape())", "tensor->shape.size() != wanted.shape().size()", "a kernel of another shape is taken"),
        ('["best_loss"] = fmt::format("{}", state.best_loss)', '["best_loss"] = fmt::format("{}", state.weighted_loss)',
         "a checkpoint forgets the best loss"),
        ("rest != end || value < 0", "rest != end", "a negative number of steps is taken"),
        ("    model.optimizer().steps = steps;\n", "", "a resumed run counts its steps anew"),
    ]),
}

MUTANTS = [Mutant(file, tests, *change) for file, (tests, changes) in CHANGES.items() for change in changes]
