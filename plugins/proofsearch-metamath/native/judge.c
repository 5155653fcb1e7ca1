/* What the policy says of the goals and states of one session, a call each: see ranker/judging.py.
 *
 * What the towers read of a term is worked out once; the parts that are the same in all states are added up once.
 */
#include "native.h"
#include <math.h>

enum { BLOCK = 8, MOST_WANTED = 64 };

/* The statistics of PolicyStatistics, in its order, but for those of goals. */
enum { BEST, SECOND, ENTROPY, LOG_SUM_EXP, MOVES, ADMITTED, MASS, CLOSES, NUM_STATISTICS };

typedef struct {
    PyObject_HEAD
    Terms *terms;
    PyObject *features, *stepper, *labels; /* the last: of all provable assertions */
    Towers *towers;
    Py_buffer own; /* a row for each hypothesis of the theorem: what its logit is the product with the goal of */
    float own_bias;
    Py_ssize_t earlier;
    double temperature;
    float *base, *x, *sums;     /* what the parts say that are in all states; two rooms to work in */
    float *goal;                /* the vector of the goal that was looked at last, and the logits, hypotheses first */
    double *logits;
    Py_ssize_t logits_cap;
    Py_ssize_t *counts, *fixed; /* parts by role: of the state looked at, and of those in all states */
    int32_t *row_of;            /* by term, where in the pool its row is; -1: not worked out yet */
    Py_ssize_t num_terms;
    float *pool;
    double (*said)[NUM_STATISTICS]; /* by row, of goals that were judged; moves are -1 of others */
    float *vectors;                 /* by row, theirs */
    Py_ssize_t n, cap;
    int held;
} Judge;

/* What the towers read of a term: it stands until the next term is read. NULL where that fails. */
static const float *vector_of(Judge *j, int32_t term)
{
    Py_ssize_t width = j->towers->width;
    if (term >= j->num_terms) {
        int32_t *grown = PyMem_Realloc(j->row_of, (size_t)j->terms->cap * sizeof(int32_t));
        if (grown == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        j->row_of = grown;
        memset(grown + j->num_terms, 0xff, (size_t)(j->terms->cap - j->num_terms) * sizeof(int32_t));
        j->num_terms = j->terms->cap;
    }
    if (j->row_of[term] < 0) {
        const uint64_t *rows;
        Py_ssize_t n;
        if (j->n == j->cap) {
            Py_ssize_t cap = j->cap ? 2 * j->cap : 64;
            float *grown = PyMem_Realloc(j->pool, (size_t)(cap * width) * sizeof(float));
            j->pool = grown == NULL ? j->pool : grown;
            void *said = grown == NULL ? NULL : PyMem_Realloc(j->said, (size_t)cap * sizeof(*j->said));
            j->said = said == NULL ? j->said : said;
            float *vectors = said == NULL ? NULL : PyMem_Realloc(j->vectors, (size_t)(cap * width) * sizeof(float));
            if (vectors == NULL) {
                PyErr_NoMemory();
                return NULL;
            }
            j->vectors = vectors;
            j->cap = cap;
        }
        if (features_rows(j->features, term, &rows, &n) < 0 || towers_term(j->towers, rows, n, j->pool + j->n * width) < 0)
            return NULL;
        j->said[j->n][MOVES] = -1;
        j->row_of[term] = (int32_t)j->n++;
    }
    return j->pool + j->row_of[term] * width;
}

/* Adds parts, a list of roles with terms, to x. */
static int add_parts(Judge *j, PyObject *parts, float *x, const Py_ssize_t *others)
{
    const Towers *w = j->towers;
    memset(j->sums, 0, (size_t)(w->num_roles * w->width) * sizeof(float));
    memset(j->counts, 0, (size_t)w->num_roles * sizeof(Py_ssize_t));
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(parts); i++) {
        PyObject *part = PyList_GET_ITEM(parts, i);
        if (!PyTuple_Check(part) || PyTuple_GET_SIZE(part) != 2) {
            PyErr_SetString(PyExc_TypeError, "a part is a role and a term");
            return -1;
        }
        Py_ssize_t role = PyLong_AsSsize_t(PyTuple_GET_ITEM(part, 0));
        if (role == -1 && PyErr_Occurred())
            return -1;
        if (role < 0 || role >= w->num_roles || (others != NULL && others[role])) {
            PyErr_SetString(PyExc_ValueError, "a part has no such role");
            return -1;
        }
        int32_t term = terms_checked(j->terms, PyTuple_GET_ITEM(part, 1));
        const float *vector = term < 0 ? NULL : vector_of(j, term);
        if (vector == NULL)
            return -1;
        float *sum = j->sums + role * w->width;
        for (Py_ssize_t k = 0; k < w->width; k++)
            sum[k] += vector[k];
        j->counts[role]++;
    }
    for (Py_ssize_t role = 0; role < w->num_roles; role++)
        if (j->counts[role])
            towers_add(w, x, role, j->sums + role * w->width, j->counts[role]);
    return 0;
}

/* -- logits ------------------------------------------------------------------------------------------------------- */

/* Looks at a goal: its vector, and the logits of some hypotheses of the theorem and then of assertions. `parts` is a list,
 * or a term: a goal that stands alone. Returns how many logits there are; they stand until the next goal is looked at. */
static Py_ssize_t look(Judge *j, PyObject *parts, PyObject *rows, PyObject *numbers, PyObject *usable)
{
    Towers *w = j->towers;
    Py_buffer views[2];
    Py_ssize_t done = -1;
    if (!PyList_Check(usable)) {
        PyErr_SetString(PyExc_TypeError, "the usable hypotheses are a list of numbers");
        return -1;
    }
    if (PyObject_GetBuffer(rows, &views[0], PyBUF_C_CONTIGUOUS) < 0)
        return -1;
    if (PyObject_GetBuffer(numbers, &views[1], PyBUF_C_CONTIGUOUS) < 0) {
        PyBuffer_Release(&views[0]);
        return -1;
    }
    Py_ssize_t own = PyList_GET_SIZE(usable), n = views[1].len / (Py_ssize_t)sizeof(int64_t);
    memcpy(j->x, j->base, (size_t)w->width * sizeof(float));
    if (PyList_Check(parts)) {
        if (add_parts(j, parts, j->x, j->fixed) < 0)
            goto done;
    } else {
        int32_t term = terms_checked(j->terms, parts);
        const float *alone = term < 0 ? NULL : vector_of(j, term);
        if (alone == NULL)
            goto done;
        towers_add(w, j->x, 0, alone, 1);
    }
    if (own + n > j->logits_cap) {
        double *grown = PyMem_Realloc(j->logits, (size_t)(own + n) * sizeof(double));
        if (grown == NULL) {
            PyErr_NoMemory();
            goto done;
        }
        j->logits = grown;
        j->logits_cap = own + n;
    }
    float *goal = j->goal;
    double *logit = j->logits;
    if (towers_goal(w, j->x, views[0].buf, views[0].len / (Py_ssize_t)sizeof(int64_t), goal) < 0)
        goto done;
    for (Py_ssize_t i = 0; i < own; i++) {
        Py_ssize_t number = PyLong_AsSsize_t(PyList_GET_ITEM(usable, i));
        if (number < 0 || (number + 1) * w->width * (Py_ssize_t)sizeof(float) > j->own.len) {
            if (!PyErr_Occurred())
                PyErr_SetString(PyExc_IndexError, "the theorem has no such hypothesis");
            goto done;
        }
        logit[i] = (towers_dot((const float *)j->own.buf + number * w->width, goal, w->width) + j->own_bias) / j->temperature;
    }
    if (towers_logits(w, goal, views[1].buf, n, j->earlier, j->temperature, logit + own) == 0)
        done = own + n;
done:
    PyBuffer_Release(&views[0]);
    PyBuffer_Release(&views[1]);
    return done;
}

/* What was looked at last: the goal's vector and the logits, as the bytes of float32 and float64 numbers. */
static PyObject *looked(const Judge *j, Py_ssize_t count)
{
    return Py_BuildValue("y#y#", (const char *)j->goal, j->towers->width * (Py_ssize_t)sizeof(float),
                         (const char *)j->logits, count * (Py_ssize_t)sizeof(double));
}

/* -- how sure it is ----------------------------------------------------------------------------------------------- */

/* The sum of exp(x - largest), where that is not above 0. Compilers make vectors of it, where exp() is a call for each;
 * exp(y) = 2^k · exp(r), k in the lowest bits of a sum with a large number, exp(r) by its series. */
WIDE static double sum_of_exp(const double *x, double largest, Py_ssize_t n)
{
    const double large = 6755399441055744.0, log2e = 1.4426950408889634; /* 1.5 · 2^52 */
    const double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    static const double series[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
                                    1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1};
    double lanes[BLOCK] = {0}, sum = 0;
    Py_ssize_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        double shifted[BLOCK], rest[BLOCK], value[BLOCK], power[BLOCK];
        uint64_t bits[BLOCK];
        for (int j = 0; j < BLOCK; j++) {
            double y = x[i + j] - largest;
            y = y < -700 ? -700 : y;
            shifted[j] = y * log2e + large;
            double k = shifted[j] - large;
            rest[j] = (y - k * ln2_high) - k * ln2_low;
            value[j] = series[0];
        }
        for (size_t term = 1; term < sizeof(series) / sizeof(*series); term++)
            for (int j = 0; j < BLOCK; j++)
                value[j] = value[j] * rest[j] + series[term];
        memcpy(bits, shifted, sizeof(bits));
        for (int j = 0; j < BLOCK; j++)
            bits[j] = (bits[j] + 1023) << 52;
        memcpy(power, bits, sizeof(power));
        for (int j = 0; j < BLOCK; j++)
            lanes[j] += value[j] * power[j];
    }
    for (int j = 0; j < BLOCK; j++)
        sum += lanes[j];
    for (; i < n; i++)
        sum += exp(x[i] - largest);
    return sum;
}

/* Whether one place of logits comes before another: the larger logit, then the earlier place. */
static inline int likelier(const double *logits, int32_t one, int32_t other)
{
    return logits[one] > logits[other] || (logits[one] == logits[other] && one < other);
}

/* Puts a heap in order, the least likely place first, where only `at` may be wrong. */
static void sift(const double *logits, int32_t *heap, Py_ssize_t n, Py_ssize_t at)
{
    int32_t moved = heap[at];
    for (Py_ssize_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && likelier(logits, heap[child], heap[child + 1]))
            child++;
        if (!likelier(logits, moved, heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* The `most` likeliest of n places, the likeliest first; `most` is at least 1 and at most n. */
static void likeliest(const double *logits, Py_ssize_t n, int32_t *best, Py_ssize_t most)
{
    for (Py_ssize_t i = 0; i < most; i++)
        best[i] = (int32_t)i;
    for (Py_ssize_t i = most / 2; i-- > 0;)
        sift(logits, best, most, i);
    for (Py_ssize_t i = most; i < n; i++)
        if (logits[i] > logits[best[0]]) {
            best[0] = (int32_t)i;
            sift(logits, best, most, 0);
        }
    for (Py_ssize_t left = most; --left > 0;) {
        int32_t least = best[0];
        best[0] = best[left];
        best[left] = least;
        sift(logits, best, left, 0);
    }
}

/* What the likeliest tactics that apply to a goal leave to say. */
typedef struct {
    double kept[MOST_WANTED]; /* the logits of those that apply, falling */
    Py_ssize_t num_kept, asked;
    double total, taken; /* of exp(logit - largest): of all but those that don't apply; of those kept */
} Sureness;

/* Asks whether the tactic at a place of the logits applies. */
static int ask(Judge *j, PyObject *applied, int32_t goal, int32_t place, const int64_t *numbers, Py_ssize_t own,
               const double *logits, double largest, Sureness *out)
{
    PyObject *tactic;
    if (place < own)
        tactic = PyUnicode_FromFormat("hyp %d", place + 1);
    else if (numbers[place - own] >= PyList_GET_SIZE(j->labels)) {
        PyErr_SetString(PyExc_IndexError, "no assertion has this number");
        return -1;
    } else
        tactic = Py_NewRef(PyList_GET_ITEM(j->labels, numbers[place - own]));
    int applies = tactic == NULL ? -1 : stepper_applies(j->stepper, applied, goal, tactic);
    Py_XDECREF(tactic);
    if (applies < 0)
        return -1;
    double weight = exp(logits[place] - largest);
    out->asked++;
    if (applies) {
        out->kept[out->num_kept++] = logits[place];
        out->taken += weight;
    } else
        out->total -= weight;
    return 0;
}

/* Asks which of the likeliest apply, until `wanted` do. */
static int ask_until(Judge *j, int32_t goal, const int64_t *numbers, Py_ssize_t own, const double *logits, Py_ssize_t n,
                     double largest, Py_ssize_t wanted, Sureness *out)
{
    int failed = 0;
    PyObject *applied = stepper_applied(j->stepper, goal);
    if (applied == NULL)
        return -1;
    /* Mostly the first few do; where they don't, of eight times as many. */
    for (Py_ssize_t most = 2 * wanted; !failed && out->asked < n && out->num_kept < wanted; most *= 8) {
        most = most < n ? most : n;
        int32_t *best = PyMem_Malloc((size_t)most * sizeof(int32_t));
        if (best == NULL) {
            PyErr_NoMemory();
            failed = -1;
            break;
        }
        likeliest(logits, n, best, most);
        while (!failed && out->asked < most && out->num_kept < wanted)
            failed = ask(j, applied, goal, best[out->asked], numbers, own, logits, largest, out);
        PyMem_Free(best);
    }
    Py_DECREF(applied);
    return failed;
}

static void statistics(const Sureness *said, Py_ssize_t n, Py_ssize_t own, double largest, double log_sum_exp, double *out)
{
    double total = said->total;
    out[BEST] = out[SECOND] = out[ENTROPY] = out[MASS] = NAN;
    if (said->num_kept) {
        double kept = 0, mean = 0, mass = 0;
        if (total < said->taken * (1 + 1e-9)) /* rounding may leave less than what was taken */
            total = total > said->taken ? total : said->taken;
        double bound = largest + log(total), first = said->kept[0];
        for (Py_ssize_t i = 0; i < said->num_kept; i++) {
            double weight = exp(said->kept[i] - first);
            kept += weight;
            mean += weight * (said->kept[i] - first);
            mass += exp(said->kept[i] - bound < 0 ? said->kept[i] - bound : 0);
        }
        out[BEST] = first - bound < 0 ? first - bound : 0;
        if (said->num_kept > 1)
            out[SECOND] = said->kept[1] - bound < 0 ? said->kept[1] - bound : 0;
        double entropy = log(kept) - mean / kept;
        out[ENTROPY] = entropy > 0 ? entropy : 0;
        out[MASS] = mass < 1 ? mass : 1;
    }
    out[LOG_SUM_EXP] = log_sum_exp;
    out[MOVES] = (double)n;
    out[ADMITTED] = said->asked ? (double)said->num_kept / (double)said->asked : NAN;
    out[CLOSES] = own > 0 ? 1.0 : 0.0;
}

/* What is said of a goal that was judged; NULL of another one. */
static const double *said_of(const Judge *j, int32_t term)
{
    int32_t row = term < j->num_terms ? j->row_of[term] : -1;
    return row >= 0 && j->said[row][MOVES] >= 0 ? j->said[row] : NULL;
}

/* The goal that comes first, by its place: see Choices.choose. All goals were judged, so their moves are known. Of several
 * that look equally good the Python class of states chooses by their texts. */
static int32_t focus_of(Judge *j, Handle *h, const int32_t *key, const int32_t *end)
{
    if (h->focus >= 0)
        return h->focus;
    const int32_t *goal = key + 1;
    double moves = INFINITY;
    int32_t size = 0, first = -1, skeleton = -1;
    int tied = 0;
    for (int32_t i = 0; i < *key; i++, goal = key_goal_end(j->terms, goal, end)) {
        double count = said_of(j, *goal)[MOVES];
        int32_t its_size = j->terms->sizes[*goal];
        if (count < moves || (count == moves && its_size < size)) {
            moves = count;
            size = its_size;
            first = i;
            skeleton = *goal;
            tied = 0;
        } else if (count == moves && its_size == size && *goal != skeleton)
            tied = 1;
    }
    if (!tied)
        return h->focus = first;
    PyObject *focus = PyObject_GetAttrString((PyObject *)h, "focus");
    Py_XDECREF(focus);
    return focus == NULL ? -1 : h->focus;
}

/* Appends sum, least and largest of a statistic over a state's goals, of those where it is known. */
static double *over_goals(const Judge *j, int which, const int32_t *key, const int32_t *end, double *at)
{
    double sum = NAN, least = NAN, largest = NAN;
    const int32_t *goal = key + 1;
    for (int32_t i = 0; i < *key; i++, goal = key_goal_end(j->terms, goal, end)) {
        double number = said_of(j, *goal)[which];
        if (isnan(number))
            continue;
        sum = isnan(sum) ? number : sum + number;
        least = least < number ? least : number;
        largest = largest > number ? largest : number;
    }
    *at++ = sum;
    *at++ = least;
    *at++ = largest;
    return at;
}

/* -- for Python --------------------------------------------------------------------------------------------------- */

/* Works out how sure the policy is of the goal that was looked at last. */
static int sureness(Judge *j, int32_t goal, PyObject *numbers, Py_ssize_t own, Py_ssize_t count, Py_ssize_t wanted)
{
    const double *logit = j->logits;
    double largest = -INFINITY, log_sum_exp = NAN;
    Sureness said = {.num_kept = 0};
    Py_buffer view;
    if (PyObject_GetBuffer(numbers, &view, PyBUF_C_CONTIGUOUS) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        largest = logit[i] > largest ? logit[i] : largest;
    if (count) {
        said.total = sum_of_exp(logit, largest, count);
        log_sum_exp = largest + log(said.total);
    }
    int failed = ask_until(j, goal, view.buf, own, logit, count, largest, wanted, &said);
    PyBuffer_Release(&view);
    if (!failed)
        statistics(&said, count, own, largest, log_sum_exp, j->said[j->row_of[goal]]);
    return failed;
}

/* look(parts, rows, numbers, usable): the vector of a state's first goal and the logits, as bytes. */
static PyObject *Judge_look(Judge *j, PyObject *const *args, Py_ssize_t n)
{
    if (n != 4) {
        PyErr_SetString(PyExc_TypeError, "look(parts, rows, numbers, usable)");
        return NULL;
    }
    Py_ssize_t count = look(j, args[0], args[1], args[2], args[3]);
    return count < 0 ? NULL : looked(j, count);
}

/* alone(goal, rows, numbers, usable, n, keep): how sure the policy is of a goal that stands alone, by the best n tactics
 * that apply; and, if they are to be kept, its vector and the logits, else None. */
static PyObject *Judge_alone(Judge *j, PyObject *const *args, Py_ssize_t n)
{
    Py_ssize_t wanted = n == 6 ? PyLong_AsSsize_t(args[4]) : 0;
    if (wanted < 1 || wanted > MOST_WANTED) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "alone(goal, rows, numbers, usable, n, keep): n is from 1 to 64");
        return NULL;
    }
    int32_t goal = terms_checked(j->terms, args[0]);
    Py_ssize_t count = goal < 0 ? -1 : look(j, args[0], args[1], args[2], args[3]);
    if (count < 0 || sureness(j, goal, args[2], PyList_GET_SIZE(args[3]), count, wanted) < 0)
        return NULL;
    const double *said = said_of(j, goal);
    memcpy(j->vectors + j->row_of[goal] * j->towers->width, j->goal, (size_t)j->towers->width * sizeof(float));
    PyObject *kept = args[5] == Py_True ? looked(j, count) : Py_NewRef(Py_None);
    return kept == NULL ? NULL
                        : Py_BuildValue("(dddddddd)N", said[BEST], said[SECOND], said[ENTROPY], said[LOG_SUM_EXP], said[MOVES],
                                        said[ADMITTED], said[MASS], said[CLOSES], kept);
}

/* summary(state): the numbers of proofsearch.models.confidence.SUMMARY, a list; or the goals that are to be judged before
 * that can be said, a tuple. */
static PyObject *Judge_summary(Judge *j, PyObject *state)
{
    enum { NUM_GOALS = 13, NUM_NUMBERS = NUM_STATISTICS + 1 + NUM_GOALS };
    static const int of_goals[] = {BEST, ENTROPY, MASS, LOG_SUM_EXP};
    if (!PyObject_TypeCheck(state, &HandleType)) {
        PyErr_Format(PyExc_TypeError, "no state of the compiled kind: %.100s", Py_TYPE(state)->tp_name);
        return NULL;
    }
    Handle *h = (Handle *)state;
    const int32_t *end, *key = key_begin(j->terms, h->key, &end);
    if (key == NULL)
        return NULL;
    PyObject *missing = NULL;
    const int32_t *goal = key + 1;
    double numbers[NUM_NUMBERS], *at = numbers, dead = 0;
    for (int32_t i = 0; i < *key; i++, goal = key_goal_end(j->terms, goal, end)) {
        const double *said = said_of(j, *goal);
        if (said != NULL) {
            dead += isnan(said[BEST]);
            continue;
        }
        PyObject *number = PyLong_FromLong(*goal);
        if (number == NULL || (missing == NULL && (missing = PyList_New(0)) == NULL) || PyList_Append(missing, number) < 0) {
            Py_XDECREF(number);
            Py_XDECREF(missing);
            return NULL;
        }
        Py_DECREF(number);
    }
    if (missing != NULL) {
        PyObject *goals = PyList_AsTuple(missing);
        Py_DECREF(missing);
        return goals;
    }
    int32_t focus = *key ? focus_of(j, h, key, end) : -1;
    if (focus < 0 || focus >= *key) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the state has no such goal");
        return NULL;
    }
    goal = key + 1;
    for (int32_t i = 0; i < focus; i++)
        goal = key_goal_end(j->terms, goal, end);
    const double *first = said_of(j, *goal);
    memcpy(at, first, NUM_STATISTICS * sizeof(double));
    at[MOVES] = log1p(at[MOVES]);
    at += NUM_STATISTICS;
    *at++ = isnan(first[BEST]) ? 1 : 0;
    for (size_t i = 0; i < sizeof(of_goals) / sizeof(*of_goals); i++)
        at = over_goals(j, of_goals[i], key, end, at);
    *at++ = dead;
    PyObject *made = PyList_New(NUM_NUMBERS);
    for (Py_ssize_t i = 0; made != NULL && i < NUM_NUMBERS; i++) {
        PyObject *number = PyFloat_FromDouble(numbers[i]);
        if (number == NULL)
            Py_CLEAR(made);
        else
            PyList_SET_ITEM(made, i, number);
    }
    return made;
}

/* vector(goal): the vector of a goal that was judged, as bytes. */
static PyObject *Judge_vector(Judge *j, PyObject *number)
{
    int32_t goal = terms_checked(j->terms, number);
    if (goal < 0)
        return NULL;
    if (said_of(j, goal) == NULL) {
        PyErr_SetString(PyExc_KeyError, "the goal was not judged");
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)(j->vectors + j->row_of[goal] * j->towers->width),
                                     j->towers->width * (Py_ssize_t)sizeof(float));
}

/* term(term): what the towers read of a term, as bytes. */
static PyObject *Judge_term(Judge *j, PyObject *number)
{
    int32_t term = terms_checked(j->terms, number);
    const float *vector = term < 0 ? NULL : vector_of(j, term);
    return vector == NULL ? NULL
                          : PyBytes_FromStringAndSize((const char *)vector, j->towers->width * (Py_ssize_t)sizeof(float));
}

/* remember(own, bias): the rows of the theorem's hypotheses, and what is added to their logits. */
static PyObject *Judge_remember(Judge *j, PyObject *args)
{
    PyObject *own;
    float bias;
    if (!PyArg_ParseTuple(args, "Of", &own, &bias))
        return NULL;
    Py_buffer view;
    if (PyObject_GetBuffer(own, &view, PyBUF_C_CONTIGUOUS) < 0)
        return NULL;
    if (j->held)
        PyBuffer_Release(&j->own);
    j->own = view;
    j->held = 1;
    j->own_bias = bias;
    Py_RETURN_NONE;
}

static PyObject *Judge_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"terms", "features", "towers", "stepper", "labels", "fixed", "earlier", "temperature", NULL};
    PyObject *terms, *features, *towers, *stepper, *labels, *fixed;
    Py_ssize_t earlier;
    double temperature;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O!O!O!O!O!nd", names, &TermsType, &terms, &FeaturesType, &features,
                                     &TowersType, &towers, &StepperType, &stepper, &PyList_Type, &labels, &PyList_Type,
                                     &fixed, &earlier, &temperature))
        return NULL;
    Judge *j = (Judge *)type->tp_alloc(type, 0);
    if (j == NULL)
        return NULL;
    j->terms = (Terms *)Py_NewRef(terms);
    j->features = Py_NewRef(features);
    j->towers = (Towers *)Py_NewRef(towers);
    j->stepper = Py_NewRef(stepper);
    j->labels = Py_NewRef(labels);
    j->earlier = earlier;
    j->temperature = temperature;
    size_t width = (size_t)j->towers->width, roles = (size_t)j->towers->num_roles;
    j->base = PyMem_Calloc(width, sizeof(float));
    j->x = PyMem_Calloc(width, sizeof(float));
    j->goal = PyMem_Calloc(width, sizeof(float));
    j->sums = PyMem_Calloc(roles * width, sizeof(float));
    j->counts = PyMem_Calloc(roles, sizeof(Py_ssize_t));
    j->fixed = PyMem_Calloc(roles, sizeof(Py_ssize_t));
    if (j->base == NULL || j->x == NULL || j->goal == NULL || j->sums == NULL || j->counts == NULL || j->fixed == NULL) {
        PyErr_NoMemory();
        Py_DECREF(j);
        return NULL;
    }
    if (add_parts(j, fixed, j->base, NULL) < 0) {
        Py_DECREF(j);
        return NULL;
    }
    memcpy(j->fixed, j->counts, roles * sizeof(Py_ssize_t));
    return (PyObject *)j;
}

static void Judge_dealloc(Judge *j)
{
    if (j->held)
        PyBuffer_Release(&j->own);
    PyObject *held[] = {(PyObject *)j->terms, j->features, (PyObject *)j->towers, j->stepper, j->labels};
    for (size_t i = 0; i < sizeof(held) / sizeof(*held); i++)
        Py_XDECREF(held[i]);
    void *rooms[] = {j->base, j->x, j->goal, j->logits, j->sums, j->counts, j->fixed, j->row_of, j->pool, j->said, j->vectors};
    for (size_t i = 0; i < sizeof(rooms) / sizeof(*rooms); i++)
        PyMem_Free(rooms[i]);
    Py_TYPE(j)->tp_free((PyObject *)j);
}

static PyMethodDef Judge_methods[] = {
    {"look", (PyCFunction)(void (*)(void))Judge_look, METH_FASTCALL, NULL},
    {"alone", (PyCFunction)(void (*)(void))Judge_alone, METH_FASTCALL, NULL},
    {"summary", (PyCFunction)Judge_summary, METH_O, NULL},
    {"vector", (PyCFunction)Judge_vector, METH_O, NULL},
    {"term", (PyCFunction)Judge_term, METH_O, NULL},
    {"remember", (PyCFunction)Judge_remember, METH_VARARGS, NULL},
    {NULL},
};

PyTypeObject JudgeType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "proofsearch_metamath._native.Judge",
    .tp_basicsize = sizeof(Judge),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "See proofsearch_metamath.ranker.judging.Judge.",
    .tp_new = Judge_new,
    .tp_dealloc = (destructor)Judge_dealloc,
    .tp_methods = Judge_methods,
};
