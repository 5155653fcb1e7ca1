(* Lemmas of one's own. Those that end with Admitted have no proof yet. *)
Require Import Arith.

Fixpoint double (n : nat) : nat :=
  match n with
  | 0 => 0
  | S m => S (S (double m))
  end.

Lemma double_zero : forall n : nat, n = 0 -> double n = 0.
Proof.
  intros n zero.
  rewrite zero.
  reflexivity.
Qed.

Lemma double_succ : forall n : nat, double (S n) = S (S (double n)).
Admitted.

Lemma double_plus : forall n : nat, double n = n + n.
Admitted.

Lemma double_add : forall n m : nat, double (n + m) = double n + double m.
Admitted.

Lemma double_injective : forall n m : nat, double n = double m -> n = m.
Admitted.
