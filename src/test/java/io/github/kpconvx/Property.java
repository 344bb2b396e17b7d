package io.github.kpconvx;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.Method;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.support.ParameterDeclarations;
import org.opentest4j.TestAbortedException;

/**
 * A test of what holds for any values: runs once for each of 25 samples, which it draws from its
 * only parameter, a {@link Sample}. The seed is another one each time.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest(name = "{0}")
@ArgumentsSource(Property.Samples.class)
@ExtendWith(Property.Failures.class)
public @interface Property {
  /** The system property that names the first sample's seed; the others' follow it. */
  String SEED = "samples.seed";

  /** The system property that says how many samples are tried. */
  String TRIES = "samples.tries";

  /** Makes the samples. */
  final class Samples implements ArgumentsProvider {
    @Override
    public Stream<Arguments> provideArguments(
        ParameterDeclarations parameters, ExtensionContext context) {
      long seed = Long.getLong(SEED, ThreadLocalRandom.current().nextLong(1L << 48));
      return LongStream.range(seed, seed + Integer.getInteger(TRIES, 25))
          .mapToObj(each -> Arguments.of(new Sample(each)));
    }
  }

  /** Tells which sample failed. */
  final class Failures implements InvocationInterceptor {
    @Override
    public void interceptTestTemplateMethod(
        Invocation<Void> invocation,
        ReflectiveInvocationContext<Method> context,
        ExtensionContext extension)
        throws Throwable {
      try {
        invocation.proceed();
      } catch (TestAbortedException e) {
        throw e;
      } catch (Exception | AssertionError e) {
        throw ((Sample) context.getArguments().get(0)).failure(e);
      }
    }
  }
}
