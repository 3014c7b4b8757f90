#include <linear.h>
#include <stdlib.h>

#define model model_of_ours /* liblinear has a struct of that name */
#include "model.h"
#undef model

static void say_nothing(const char *text)
{
    (void)text;
}

/* A list of numbered values, which liblinear counts from 1; the last one is the bias. */
static void list_values(struct feature_node *nodes, const double *x)
{
    for (int i = 0; i < WEIGHTS; i++)
        nodes[i] = (struct feature_node){.index = i + 1, .value = i < FEATURES ? x[i] : 1};
    nodes[WEIGHTS].index = -1;
}

/* What scikit-learn's LinearSVC(dual=False) does: no random numbers, one solution. */
static void fit_one(const struct problem *problem, double *weights)
{
    const struct parameter parameter = {.solver_type = L2R_L2LOSS_SVC, .eps = 1e-11, .C = 1};
    struct model *fitted = train(problem, &parameter);
    for (int i = 0; i < WEIGHTS; i++)
        weights[i] = fitted->w[i];
    free_and_destroy_model(&fitted);
}

void fit(const struct samples *samples, int class_count, double weights[][WEIGHTS])
{
    struct problem problem = {.l = samples->count, .n = WEIGHTS, .bias = 1};
    const size_t count = (size_t)samples->count;
    struct feature_node *nodes = zeroed(count * (WEIGHTS + 1), sizeof(*nodes));
    problem.x = zeroed(count, sizeof(*problem.x));
    problem.y = zeroed(count, sizeof(*problem.y));
    for (size_t i = 0; i < count; i++) {
        problem.x[i] = nodes + i * (WEIGHTS + 1);
        list_values(problem.x[i], samples->all[i].x);
    }
    set_print_string_function(say_nothing);
    for (int k = 0; k < class_count; k++) {
        for (size_t i = 0; i < count; i++)
            problem.y[i] = samples->all[i].y == k ? 1 : -1;
        fit_one(&problem, weights[k]);
    }
    free(problem.y);
    free(problem.x);
    free(nodes);
}
