// SPDX-License-Identifier: MIT
// forms.h: the 20 forms of operator new and delete, and which of them each one's default definition
// calls (ISO C++20, [new.delete]). A set of forms is a mask of bits by these numbers.
#ifndef BARROW_TESTS_OPERATORS_FORMS_H
#define BARROW_TESTS_OPERATORS_FORMS_H

// X(number, the form's name, the form that its default definition calls; -1: none)
#define FORMS(X)                                                                                   \
    X(0, "new", -1)                                                                                \
    X(1, "new aligned", -1)                                                                        \
    X(2, "new[]", 0)                                                                               \
    X(3, "new[] aligned", 1)                                                                       \
    X(4, "new nothrow", 0)                                                                         \
    X(5, "new[] nothrow", 2)                                                                       \
    X(6, "new aligned nothrow", 1)                                                                 \
    X(7, "new[] aligned nothrow", 3)                                                               \
    X(8, "delete", -1)                                                                             \
    X(9, "delete aligned", -1)                                                                     \
    X(10, "delete[]", 8)                                                                           \
    X(11, "delete[] aligned", 9)                                                                   \
    X(12, "delete nothrow", 8)                                                                     \
    X(13, "delete[] nothrow", 10)                                                                  \
    X(14, "delete aligned nothrow", 9)                                                             \
    X(15, "delete[] aligned nothrow", 11)                                                          \
    X(16, "delete sized", 8)                                                                       \
    X(17, "delete[] sized", 10)                                                                    \
    X(18, "delete aligned sized", 9)                                                               \
    X(19, "delete[] aligned sized", 11)

enum {
    FORM_COUNT = 20,
    REFUSED_SIZE = 30583, // a replaced operator new has no memory for a block of this size
    BLOCK_SIZE = 512,     // for all others
    ALIGNMENT = 256
};

// Called by a replaced form, with its number. The program defines it.
#ifdef __cplusplus
extern "C"
#endif
    void
    note_form(int form);

#endif
