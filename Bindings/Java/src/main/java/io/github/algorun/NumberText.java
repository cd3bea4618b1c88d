// SPDX-License-Identifier: Apache-2.0
package io.github.algorun;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Predicate;

/**
 * The text of a number, the same in every binding.
 *
 * <p>A double or float has the fewest digits that read back as the same value and, among those, the nearest: positional
 * with at least one digit after the point from 1e-4 to below 1e16, else {@code d.ddde+XX}. Not {@code
 * Double.toString}, which before JDK 19 sometimes writes a digit too many.
 */
final class NumberText {
    /** Up to so many digits any decimal survives the way to a normal double, or float, and back. */
    private static final int SAFE_DOUBLE_DIGITS = 15;

    private static final int SAFE_FLOAT_DIGITS = 6;

    private NumberText() {}

    static String of(Number value) {
        if (value instanceof Float) {
            return text((Float) value);
        }
        if (value instanceof Integer
                || value instanceof Long
                || value instanceof Short
                || value instanceof Byte
                || value instanceof BigInteger
                || value instanceof BigDecimal
                || value instanceof AtomicInteger
                || value instanceof AtomicLong
                || value instanceof LongAdder
                || value instanceof LongAccumulator) {
            return value.toString();
        }
        return text(value.doubleValue());
    }

    private static String text(double value) {
        if (Double.isNaN(value) || Double.isInfinite(value) || value == 0) {
            return Double.toString(value);
        }
        double magnitude = Math.abs(value);
        Predicate<String> readsBack = text -> Double.parseDouble(text) == magnitude;
        boolean normal = magnitude >= Double.MIN_NORMAL;
        BigDecimal shown = new BigDecimal(Double.toString(magnitude));
        return sign(value < 0)
                + layOut(shortest(shown, new BigDecimal(magnitude), normal, SAFE_DOUBLE_DIGITS, readsBack));
    }

    private static String text(float value) {
        if (Float.isNaN(value) || Float.isInfinite(value) || value == 0) {
            return Float.toString(value);
        }
        float magnitude = Math.abs(value);
        Predicate<String> readsBack = text -> Float.parseFloat(text) == magnitude;
        boolean normal = magnitude >= Float.MIN_NORMAL;
        BigDecimal shown = new BigDecimal(Float.toString(magnitude));
        return sign(value < 0)
                + layOut(shortest(shown, new BigDecimal(magnitude), normal, SAFE_FLOAT_DIGITS, readsBack));
    }

    private static String sign(boolean negative) {
        return negative ? "-" : "";
    }

    private static BigDecimal shortest(
            BigDecimal shown, BigDecimal exact, boolean normal, int safeDigits, Predicate<String> readsBack) {
        BigDecimal stripped = shown.stripTrailingZeros();
        if (normal && stripped.precision() <= safeDigits) {
            return stripped;
        }
        for (int digits = normal ? safeDigits : 1; ; digits++) {
            BigDecimal nearest = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (readsBack.test(nearest.toString())) {
                return nearest.stripTrailingZeros();
            }
            // Below a power of two values lie twice as dense, so there the nearest may fail where the next one holds.
            BigDecimal next = nearest.add(nearest.ulp());
            if (readsBack.test(next.toString())) {
                return next.stripTrailingZeros();
            }
        }
    }

    private static String layOut(BigDecimal value) {
        String digits = value.unscaledValue().toString();
        int exponent = digits.length() - value.scale() - 1;
        if (exponent >= -4 && exponent < 0) {
            return "0." + "0".repeat(-exponent - 1) + digits;
        }
        int whole = exponent + 1;
        if (exponent >= 0 && exponent < 16) {
            return digits.length() > whole
                    ? digits.substring(0, whole) + "." + digits.substring(whole)
                    : digits + "0".repeat(whole - digits.length()) + ".0";
        }
        String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
        String power = Math.abs(exponent) < 10 ? "0" + Math.abs(exponent) : "" + Math.abs(exponent);
        return digits.charAt(0) + fraction + (exponent < 0 ? "e-" : "e+") + power;
    }
}
