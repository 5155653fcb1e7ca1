/-! Natural numbers: sums and products. -/
namespace Arithmetic

/-! ### Sums -/
theorem add_zero (n : Nat) : n + 0 = n := by
  rfl
theorem zero_add (n : Nat) : 0 + n = n := by
  induction n with
  | zero => rfl
  | succ n ih => rw [← Nat.add_assoc, ih]
theorem add_succ (a b : Nat) : a + (b + 1) = (a + b) + 1 := by
  rfl
theorem succ_add (a b : Nat) : (a + 1) + b = (a + b) + 1 := by
  rw [Nat.add_assoc, Nat.add_comm 1 b, ← Nat.add_assoc]
theorem add_comm (a b : Nat) : a + b = b + a := by
  rw [Nat.add_comm]
theorem add_assoc (a b c : Nat) : (a + b) + c = a + (b + c) := by
  induction c with
  | zero => rfl
  | succ c ih => exact congrArg Nat.succ ih
theorem add_assoc_symm (a b c : Nat) : a + (b + c) = (a + b) + c := by
  rw [Nat.add_assoc]
theorem add_left_comm (a b c : Nat) : a + (b + c) = b + (a + c) := by
  rw [← Nat.add_assoc, Nat.add_comm a b, Nat.add_assoc]
theorem add_right_comm (a b c : Nat) : (a + b) + c = (a + c) + b := by
  rw [Nat.add_assoc, Nat.add_comm b c, ← Nat.add_assoc]
theorem add_rotate (a b c : Nat) : (a + b) + c = (b + c) + a := by
  rw [Nat.add_assoc, Nat.add_comm]
theorem add_reverse (a b c : Nat) : (a + b) + c = (c + b) + a := by
  rw [Nat.add_comm, Nat.add_comm a b, Nat.add_assoc]
theorem add_add_add_comm (a b c d : Nat) : (a + b) + (c + d) = (a + c) + (b + d) := by
  rw [Nat.add_assoc, Nat.add_left_comm b c d, ← Nat.add_assoc]
theorem add_congr_left (a b c : Nat) (h : a = b) : a + c = b + c := by
  rw [h]
theorem add_congr_right (a b c : Nat) (h : a = b) : c + a = c + b := by
  rw [h]
theorem add_congr (a b c d : Nat) (h : a = b) (k : c = d) : a + c = b + d := by
  rw [h, k]
theorem add_eq_swap (a b c : Nat) (h : a + b = c) : b + a = c := by
  rw [Nat.add_comm]
  exact h
theorem eq_add_swap (a b c : Nat) (h : c = a + b) : c = b + a := by
  rw [Nat.add_comm]
  exact h
theorem succ_inj (a b : Nat) (h : a + 1 = b + 1) : a = b := by
  injection h
theorem succ_congr (a b : Nat) (h : a = b) : a + 1 = b + 1 := by
  rw [h]
theorem succ_ne_zero (n : Nat) : n + 1 ≠ 0 := by
  intro h
  injection h
theorem zero_ne_succ (n : Nat) : 0 ≠ n + 1 := by
  intro h
  injection h
theorem add_right_cancel (a b c : Nat) (h : a + c = b + c) : a = b := by
  induction c with
  | zero => exact h
  | succ c ih => exact ih (Nat.succ.inj h)
theorem add_left_cancel (a b c : Nat) (h : c + a = c + b) : a = b := by
  rw [Nat.add_comm c a, Nat.add_comm c b] at h
  exact add_right_cancel a b c h
theorem add_eq_zero_right (a b : Nat) (h : a + b = 0) : b = 0 := by
  cases b with
  | zero => rfl
  | succ b => injection h
theorem add_eq_zero_left (a b : Nat) (h : a + b = 0) : a = 0 := by
  rw [Nat.add_comm] at h
  exact add_eq_zero_right b a h
theorem one_add (n : Nat) : 1 + n = n + 1 := by
  rw [Nat.add_comm]
theorem two_add (n : Nat) : 2 + n = n + 2 := by
  rw [Nat.add_comm]
theorem zero_or_succ (n : Nat) : n = 0 ∨ ∃ m, n = m + 1 := by
  cases n with
  | zero => exact Or.inl rfl
  | succ m => exact Or.inr ⟨m, rfl⟩
theorem eq_succ_of_ne_zero (n : Nat) (h : n ≠ 0) : ∃ m, n = m + 1 := by
  cases n with
  | zero => exact absurd rfl h
  | succ m => exact ⟨m, rfl⟩
theorem two_and_two : 2 + 2 = 4 := by
  rfl
theorem three_and_four : 3 + 4 = 7 := by
  rfl
theorem not_one_eq_two : 1 ≠ 2 := by
  decide
theorem exists_add_three : ∃ n : Nat, n + 3 = 8 := by
  exact ⟨5, rfl⟩
theorem exists_bigger (n : Nat) : ∃ m, m = n + 1 := by
  exact ⟨n + 1, rfl⟩
theorem exists_sum (a b : Nat) : ∃ c, a + b = c := by
  exact ⟨a + b, rfl⟩

/-! ### Products -/
theorem mul_zero (n : Nat) : n * 0 = 0 := by
  rfl
theorem zero_mul (n : Nat) : 0 * n = 0 := by
  simp
theorem mul_one (n : Nat) : n * 1 = n := by
  simp
theorem one_mul (n : Nat) : 1 * n = n := by
  simp
theorem mul_succ (a b : Nat) : a * (b + 1) = a * b + a := by
  rfl
theorem succ_mul (a b : Nat) : (a + 1) * b = a * b + b := by
  rw [Nat.succ_mul]
theorem mul_comm (a b : Nat) : a * b = b * a := by
  rw [Nat.mul_comm]
theorem mul_congr_left (a b c : Nat) (h : a = b) : a * c = b * c := by
  rw [h]
theorem mul_congr_right (a b c : Nat) (h : a = b) : c * a = c * b := by
  rw [h]
theorem mul_congr (a b c d : Nat) (h : a = b) (k : c = d) : a * c = b * d := by
  rw [h, k]
theorem mul_eq_swap (a b c : Nat) (h : a * b = c) : b * a = c := by
  rw [Nat.mul_comm]
  exact h
theorem left_distrib (a b c : Nat) : a * (b + c) = a * b + a * c := by
  induction c with
  | zero => rfl
  | succ c ih => rw [← Nat.add_assoc, mul_succ, ih, mul_succ, Nat.add_assoc]
theorem right_distrib (a b c : Nat) : (a + b) * c = a * c + b * c := by
  rw [Nat.mul_comm, left_distrib, Nat.mul_comm c a, Nat.mul_comm c b]
theorem mul_assoc (a b c : Nat) : (a * b) * c = a * (b * c) := by
  induction c with
  | zero => rfl
  | succ c ih => rw [mul_succ, ih, mul_succ, left_distrib]
theorem mul_left_comm (a b c : Nat) : a * (b * c) = b * (a * c) := by
  rw [← mul_assoc, Nat.mul_comm a b, mul_assoc]
theorem mul_right_comm (a b c : Nat) : (a * b) * c = (a * c) * b := by
  rw [mul_assoc, Nat.mul_comm b c, ← mul_assoc]
theorem two_mul (n : Nat) : 2 * n = n + n := by
  rw [Nat.mul_comm]
  show 0 + n + n = n + n
  rw [Nat.zero_add]
theorem mul_two (n : Nat) : n * 2 = n + n := by
  rw [Nat.mul_comm, two_mul]
theorem square_of_sum (a b : Nat) : (a + b) * (a + b) = a * a + b * a + (a * b + b * b) := by
  rw [left_distrib, right_distrib, right_distrib]
theorem mul_add_one (a b : Nat) : a * (b + 1) = a + a * b := by
  rw [mul_succ, Nat.add_comm]
theorem two_times_three : 2 * 3 = 6 := by
  rfl
theorem exists_factor : ∃ n : Nat, n * 3 = 12 := by
  exact ⟨4, rfl⟩

/-! ### Even numbers -/
def Even (n : Nat) : Prop := ∃ m, n = m + m
theorem even_zero : Even 0 := by
  exact ⟨0, rfl⟩
theorem even_four : Even 4 := by
  exact ⟨2, rfl⟩
theorem even_double (n : Nat) : Even (n + n) := by
  exact ⟨n, rfl⟩
theorem even_add (a b : Nat) (h : Even a) (k : Even b) : Even (a + b) := by
  rcases h with ⟨m, hm⟩
  rcases k with ⟨n, hn⟩
  rw [hm, hn]
  exact ⟨m + n, add_add_add_comm m m n n⟩
theorem even_add_two (n : Nat) (h : Even n) : Even (n + 2) := by
  rcases h with ⟨m, hm⟩
  rw [hm]
  exact ⟨m + 1, add_add_add_comm m m 1 1⟩
theorem even_mul (a b : Nat) (h : Even a) : Even (a * b) := by
  rcases h with ⟨m, hm⟩
  rw [hm]
  exact ⟨m * b, right_distrib m m b⟩

/-! ### Divisibility -/
def Divides (a b : Nat) : Prop := ∃ c, b = a * c
theorem divides_refl (a : Nat) : Divides a a := by
  exact ⟨1, (Nat.mul_one a).symm⟩
theorem divides_zero (a : Nat) : Divides a 0 := by
  exact ⟨0, rfl⟩
theorem one_divides (a : Nat) : Divides 1 a := by
  exact ⟨a, (Nat.one_mul a).symm⟩
theorem divides_mul (a b : Nat) : Divides a (a * b) := by
  exact ⟨b, rfl⟩
theorem divides_mul_left (a b : Nat) : Divides a (b * a) := by
  exact ⟨b, Nat.mul_comm b a⟩
theorem divides_trans (a b c : Nat) (h : Divides a b) (k : Divides b c) : Divides a c := by
  rcases h with ⟨m, hm⟩
  rcases k with ⟨n, hn⟩
  rw [hn, hm]
  exact ⟨m * n, mul_assoc a m n⟩
theorem divides_add (a b c : Nat) (h : Divides a b) (k : Divides a c) : Divides a (b + c) := by
  rcases h with ⟨m, hm⟩
  rcases k with ⟨n, hn⟩
  rw [hm, hn]
  exact ⟨m + n, (left_distrib a m n).symm⟩
theorem divides_mul_right (a b c : Nat) (h : Divides a b) : Divides a (b * c) := by
  rcases h with ⟨m, hm⟩
  rw [hm]
  exact ⟨m * c, mul_assoc a m c⟩
end Arithmetic
