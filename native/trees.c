/* Features of expression trees: see builtins/tree_features.py. */
#include "native.h"

/* The constants of tree_features.py, in the order in which it hands them over; the positions follow. */
enum { STEP, FINISH, WALK, MARK, SYMBOL, EDGE, WALK3, SHAPE1, SHAPE2, PATH, EQUAL, NUM_CONSTANTS };

typedef struct {
    uint64_t symbol, place, edge, shape, path, places;
    int32_t parent, arity, child, depth, end;
    char placeholder, held, tall;
} Node;

typedef struct {
    Node *nodes;
    uint64_t *words; /* a symbol with its number of children: equal stretches are equal subtrees */
    uint32_t *ids;
    Py_ssize_t cap, num_ids;
    int32_t *near;
} Work;

static uint64_t scramble(uint64_t x, uint64_t finish)
{
    x = (x ^ (x >> 32)) * finish;
    return x ^ (x >> 29);
}

static int compare_ids(const void *one, const void *other)
{
    uint32_t left = *(const uint32_t *)one, right = *(const uint32_t *)other;
    return left < right ? -1 : left > right;
}

static int reserve(Work *work, Py_ssize_t n)
{
    if (n <= work->cap)
        return 0;
    Node *nodes = PyMem_Realloc(work->nodes, (size_t)n * sizeof(Node));
    if (nodes != NULL)
        work->nodes = nodes;
    uint64_t *words = PyMem_Realloc(work->words, (size_t)n * sizeof(uint64_t));
    if (words != NULL)
        work->words = words;
    uint32_t *ids = PyMem_Realloc(work->ids, (size_t)n * 7 * sizeof(uint32_t));
    if (ids != NULL)
        work->ids = ids;
    int32_t *near = PyMem_Realloc(work->near, (size_t)n * sizeof(int32_t));
    if (near != NULL)
        work->near = near;
    if (nodes == NULL || words == NULL || ids == NULL || near == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    work->cap = n;
    return 0;
}

/* Reads a tree and finds each node's parent; 0 where it is no preorder. */
static int read_tree(Work *work, PyObject *hashes, PyObject *symbols, PyObject *arities, Py_ssize_t n,
                     const uint64_t *constants, int num_positions)
{
    Node *nodes = work->nodes;
    int32_t open = -1; /* the innermost node that still waits for children */
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *symbol = PyTuple_GET_ITEM(symbols, i);
        if (!PyUnicode_Check(symbol) || (i > 0 && open < 0))
            return 0;
        PyObject *hash = PyObject_GetItem(hashes, symbol);
        if (hash == NULL)
            return -1;
        Node *node = &nodes[i];
        node->symbol = PyLong_AsUnsignedLongLongMask(hash);
        Py_DECREF(hash);
        long arity = PyLong_AsLong(PyTuple_GET_ITEM(arities, i));
        if (PyErr_Occurred())
            return -1;
        if (arity < 0 || arity > n)
            return 0;
        node->arity = (int32_t)arity;
        node->parent = open;
        node->placeholder = PyUnicode_GET_LENGTH(symbol) > 0 && PyUnicode_READ_CHAR(symbol, 0) == '?';
        node->held = node->placeholder;
        node->tall = 0;
        node->child = 0; /* how many children were seen */
        if (open >= 0) {
            Node *parent = &nodes[open];
            int at = parent->child < num_positions - 1 ? parent->child : num_positions - 1;
            node->place = constants[NUM_CONSTANTS + at];
            parent->child++;
            node->depth = parent->depth + 1;
            if (arity)
                parent->tall = 1;
        } else {
            node->place = 0;
            node->depth = 0;
        }
        work->words[i] = node->symbol * constants[STEP] + (uint64_t)arity;
        if (arity) {
            open = (int32_t)i;
            continue;
        }
        node->end = (int32_t)i + 1;
        while (open >= 0 && nodes[open].child == nodes[open].arity) {
            nodes[open].end = (int32_t)i + 1;
            open = nodes[open].parent;
        }
    }
    return open < 0;
}

static void add(Work *work, uint64_t feature, uint64_t finish)
{
    work->ids[work->num_ids++] = (uint32_t)(scramble(feature, finish) >> 32);
}

static void read_features(Work *work, Py_ssize_t n, const uint64_t *k, int levels)
{
    Node *nodes = work->nodes;
    uint64_t finish = k[FINISH];
    Py_ssize_t num_near = 0;
    work->num_ids = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        Node *node = &nodes[i];
        add(work, node->symbol + k[SYMBOL], finish);
        node->shape = node->symbol * k[STEP];
        if (i == 0) {
            node->edge = 0;
            node->path = node->symbol;
            node->places = k[MARK];
        } else {
            const Node *parent = &nodes[node->parent];
            uint64_t down = node->symbol * k[STEP] + node->place;
            add(work, parent->symbol * k[EDGE] + down, finish);
            node->edge = parent->symbol * k[WALK] + node->place;
            if (node->parent > 0)
                add(work, parent->edge * k[WALK3] + down, finish);
            node->path = parent->path * k[STEP] + node->symbol * k[WALK] + node->place;
            node->places = parent->places * k[STEP] + node->place;
        }
        if (node->depth <= levels) {
            add(work, node->path + k[PATH], finish);
            work->near[num_near++] = (int32_t)i;
        }
    }
    /* Shapes: `edge` is no longer needed and holds the sum over the children. */
    for (Py_ssize_t i = 0; i < n; i++)
        nodes[i].edge = 0;
    for (Py_ssize_t i = 1; i < n; i++)
        nodes[nodes[i].parent].edge += nodes[i].symbol * nodes[i].place;
    for (Py_ssize_t i = 0; i < n; i++) {
        Node *node = &nodes[i];
        node->path = scramble(node->shape + node->edge, finish); /* nor are paths: the shape with children */
        if (node->arity)
            add(work, node->path + k[SHAPE1], finish);
        node->edge = 0;
    }
    for (Py_ssize_t i = n - 1; i > 0; i--) {
        Node *parent = &nodes[nodes[i].parent];
        parent->edge += nodes[i].path * nodes[i].place;
        if (nodes[i].held)
            parent->held = 1; /* children come after their parents, so this reaches the root */
    }
    for (Py_ssize_t i = 0; i < n; i++)
        if (nodes[i].tall)
            add(work, scramble(nodes[i].shape + nodes[i].edge, finish) + k[SHAPE2], finish);
    /* Each place near the root with the next that holds an equal subtree without placeholders. */
    for (Py_ssize_t a = 0; a < num_near; a++) {
        const Node *one = &nodes[work->near[a]];
        int32_t start = work->near[a], size = one->end - start;
        for (Py_ssize_t b = a + 1; b < num_near && !one->held; b++) {
            const Node *other = &nodes[work->near[b]];
            int32_t at = work->near[b];
            if (other->held || other->end - at != size ||
                memcmp(work->words + start, work->words + at, (size_t)size * sizeof(uint64_t)) != 0)
                continue;
            add(work, one->places * k[EQUAL] + other->places, finish);
            break;
        }
    }
}

/* tree_features(trees, hashes, constants, levels): the rows of features.FeatureRows as three bytearrays, or None where
 * a tree is no preorder. */
PyObject *tree_features(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *trees, *hashes, *result = NULL, *offsets = NULL, *ids = NULL, *counts = NULL;
    Py_buffer constants;
    int levels;
    if (!PyArg_ParseTuple(args, "O!Oy*i", &PyList_Type, &trees, &hashes, &constants, &levels))
        return NULL;
    Work work = {0};
    Py_ssize_t num_trees = PyList_GET_SIZE(trees), total = 0, room = 0;
    int num_positions = (int)(constants.len / 8) - NUM_CONSTANTS;
    offsets = PyByteArray_FromStringAndSize(NULL, (num_trees + 1) * 8);
    ids = PyByteArray_FromStringAndSize(NULL, 0);
    counts = PyByteArray_FromStringAndSize(NULL, 0);
    if (offsets == NULL || ids == NULL || counts == NULL || num_positions < 1)
        goto done;
    ((int64_t *)PyByteArray_AS_STRING(offsets))[0] = 0;
    for (Py_ssize_t row = 0; row < num_trees; row++) {
        PyObject *tree = PyList_GET_ITEM(trees, row);
        PyObject *symbols = PyObject_GetAttrString(tree, "symbols"), *arities = PyObject_GetAttrString(tree, "arities");
        int read = symbols == NULL || arities == NULL ? -1 : 0;
        Py_ssize_t n = 0;
        if (read == 0 && PyTuple_Check(symbols) && PyTuple_Check(arities)) {
            n = PyTuple_GET_SIZE(symbols);
            if (n > 0 && n < INT32_MAX / 16 && PyTuple_GET_SIZE(arities) == n) {
                read = reserve(&work, n) < 0 ? -1
                                             : read_tree(&work, hashes, symbols, arities, n, constants.buf, num_positions);
            }
        }
        Py_XDECREF(symbols);
        Py_XDECREF(arities);
        if (read < 0)
            goto done;
        if (read == 0) {
            result = Py_NewRef(Py_None);
            goto done;
        }
        read_features(&work, n, constants.buf, levels);
        qsort(work.ids, (size_t)work.num_ids, sizeof(uint32_t), compare_ids);
        if (total + work.num_ids > room) {
            room = 2 * (total + work.num_ids);
            if (PyByteArray_Resize(ids, room * 4) < 0 || PyByteArray_Resize(counts, room * 4) < 0)
                goto done;
        }
        uint32_t *ids_at = (uint32_t *)PyByteArray_AS_STRING(ids);
        int32_t *counts_at = (int32_t *)PyByteArray_AS_STRING(counts);
        for (Py_ssize_t i = 0; i < work.num_ids; i++) {
            if (i && work.ids[i] == work.ids[i - 1]) {
                counts_at[total - 1]++;
            } else {
                ids_at[total] = work.ids[i];
                counts_at[total++] = 1;
            }
        }
        ((int64_t *)PyByteArray_AS_STRING(offsets))[row + 1] = total;
    }
    if (PyByteArray_Resize(ids, total * 4) == 0 && PyByteArray_Resize(counts, total * 4) == 0)
        result = PyTuple_Pack(3, offsets, ids, counts);
done:
    if (result == NULL && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "the constants are too few");
    Py_XDECREF(offsets);
    Py_XDECREF(ids);
    Py_XDECREF(counts);
    PyMem_Free(work.nodes);
    PyMem_Free(work.words);
    PyMem_Free(work.ids);
    PyMem_Free(work.near);
    PyBuffer_Release(&constants);
    return result;
}
