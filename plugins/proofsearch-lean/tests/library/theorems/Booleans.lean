/-! Truth values. -/
namespace Booleans

theorem and_comm (a b : Bool) : (a && b) = (b && a) := by
  cases a <;> cases b <;> rfl
theorem and_assoc (a b c : Bool) : ((a && b) && c) = (a && (b && c)) := by
  cases a <;> cases b <;> cases c <;> rfl
theorem and_self (a : Bool) : (a && a) = a := by
  cases a <;> rfl
theorem and_true (a : Bool) : (a && true) = a := by
  cases a <;> rfl
theorem true_and (a : Bool) : (true && a) = a := by
  rfl
theorem and_false (a : Bool) : (a && false) = false := by
  cases a <;> rfl
theorem false_and (a : Bool) : (false && a) = false := by
  rfl
theorem or_comm (a b : Bool) : (a || b) = (b || a) := by
  cases a <;> cases b <;> rfl
theorem or_assoc (a b c : Bool) : ((a || b) || c) = (a || (b || c)) := by
  cases a <;> cases b <;> cases c <;> rfl
theorem or_self (a : Bool) : (a || a) = a := by
  cases a <;> rfl
theorem or_true (a : Bool) : (a || true) = true := by
  cases a <;> rfl
theorem or_false (a : Bool) : (a || false) = a := by
  cases a <;> rfl
theorem false_or (a : Bool) : (false || a) = a := by
  rfl
theorem not_not (a : Bool) : (!(!a)) = a := by
  cases a <;> rfl
theorem not_and (a b : Bool) : (!(a && b)) = (!a || !b) := by
  cases a <;> cases b <;> rfl
theorem not_or (a b : Bool) : (!(a || b)) = (!a && !b) := by
  cases a <;> cases b <;> rfl
theorem and_not_self (a : Bool) : (a && !a) = false := by
  cases a <;> rfl
theorem or_not_self (a : Bool) : (a || !a) = true := by
  cases a <;> rfl
theorem and_or_distrib (a b c : Bool) : (a && (b || c)) = ((a && b) || (a && c)) := by
  cases a <;> cases b <;> cases c <;> rfl
theorem or_and_distrib (a b c : Bool) : (a || (b && c)) = ((a || b) && (a || c)) := by
  cases a <;> cases b <;> cases c <;> rfl
theorem and_absorb (a b : Bool) : (a && (a || b)) = a := by
  cases a <;> cases b <;> rfl
theorem or_absorb (a b : Bool) : (a || (a && b)) = a := by
  cases a <;> cases b <;> rfl
theorem true_ne_false : true ≠ false := by
  decide
theorem not_ne_self (a : Bool) : (!a) ≠ a := by
  cases a <;> decide
theorem true_or_false (a : Bool) : a = true ∨ a = false := by
  cases a with
  | false => exact Or.inr rfl
  | true => exact Or.inl rfl
theorem eq_true_of_ne_false (a : Bool) (h : a ≠ false) : a = true := by
  cases a with
  | false => exact absurd rfl h
  | true => rfl
theorem eq_false_of_ne_true (a : Bool) (h : a ≠ true) : a = false := by
  cases a with
  | false => rfl
  | true => exact absurd rfl h
theorem left_of_and (a b : Bool) (h : (a && b) = true) : a = true := by
  cases a with
  | false => exact h
  | true => rfl
theorem right_of_and (a b : Bool) (h : (a && b) = true) : b = true := by
  cases a with
  | false => contradiction
  | true => exact h
theorem and_of_both (a b : Bool) (h : a = true) (k : b = true) : (a && b) = true := by
  rw [h, k]
  rfl
theorem or_of_left (a b : Bool) (h : a = true) : (a || b) = true := by
  rw [h]
  rfl
theorem not_eq_true_of_false (a : Bool) (h : a = false) : (!a) = true := by
  rw [h]
  rfl
theorem not_inj (a b : Bool) (h : (!a) = !b) : a = b := by
  cases a <;> cases b <;> first | rfl | contradiction
theorem cond_same (a : Bool) (n : Nat) : cond a n n = n := by
  cases a <;> rfl
theorem cond_true (m n : Nat) : cond true m n = m := by
  rfl
theorem cond_false (m n : Nat) : cond false m n = n := by
  rfl
theorem cond_not (a : Bool) (m n : Nat) : cond (!a) m n = cond a n m := by
  cases a <;> rfl
end Booleans
