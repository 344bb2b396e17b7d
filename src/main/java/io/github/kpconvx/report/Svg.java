package io.github.kpconvx.report;

import java.io.StringWriter;
import java.math.BigDecimal;
import java.util.function.Consumer;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;

/**
 * Writes an SVG document from its first element to its last. Attributes are given as alternating
 * names and values; a number is written to a thousandth.
 */
final class Svg {
  /** Takes what TensorFlow users see in Matplotlib first, then what every system has. */
  private static final String FONTS = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

  private final XMLStreamWriter xml;

  private Svg(XMLStreamWriter xml) {
    this.xml = xml;
  }

  /**
   * A whole document on white ground.
   *
   * @param width in pixels
   * @param height in pixels
   * @param title what it shows, for those who cannot see it and as a tooltip
   * @param content draws it
   * @return its text
   */
  static String document(double width, double height, String title, Consumer<Svg> content) {
    StringWriter text = new StringWriter();
    try {
      // The JDK's own writer, whatever else is on the class path.
      XMLStreamWriter xml = XMLOutputFactory.newDefaultFactory().createXMLStreamWriter(text);
      xml.writeStartDocument("UTF-8", "1.0");
      Svg svg = new Svg(xml);
      svg.within(
          "svg",
          () -> {
            svg.text("title", title);
            svg.leaf("rect", "width", width, "height", height, "fill", "#ffffff");
            content.accept(svg);
          },
          "xmlns",
          "http://www.w3.org/2000/svg",
          "width",
          width,
          "height",
          height,
          "viewBox",
          "0 0 " + number(width) + " " + number(height),
          "font-family",
          FONTS,
          "font-size",
          "12px",
          "fill",
          "#222222");
      xml.writeCharacters("\n");
      xml.writeEndDocument();
      xml.close();
    } catch (XMLStreamException e) {
      throw new IllegalStateException(e);
    }
    return text.toString();
  }

  /**
   * An element with others in it.
   *
   * @param element its name
   * @param content writes what is in it
   * @param attributes names and values
   */
  void within(String element, Runnable content, Object... attributes) {
    write(
        () -> {
          xml.writeCharacters("\n");
          xml.writeStartElement(element);
          attributes(attributes);
        });
    content.run();
    write(xml::writeEndElement);
  }

  /**
   * An element with nothing in it.
   *
   * @param element its name
   * @param attributes names and values
   */
  void leaf(String element, Object... attributes) {
    write(
        () -> {
          xml.writeCharacters("\n");
          xml.writeEmptyElement(element);
          attributes(attributes);
        });
  }

  /**
   * An element with text in it, such as {@code text} or {@code title}.
   *
   * @param element its name
   * @param text the text
   * @param attributes names and values
   */
  void text(String element, String text, Object... attributes) {
    write(
        () -> {
          xml.writeCharacters("\n");
          xml.writeStartElement(element);
          attributes(attributes);
          xml.writeCharacters(text);
          xml.writeEndElement();
        });
  }

  private void attributes(Object... attributes) throws XMLStreamException {
    for (int i = 0; i < attributes.length; i += 2) {
      Object value = attributes[i + 1];
      xml.writeAttribute(
          (String) attributes[i],
          value instanceof Double number ? number(number) : String.valueOf(value));
    }
  }

  /**
   * A number as the document writes it.
   *
   * @param value the number
   * @return its digits, at most three of them after the point
   */
  static String number(double value) {
    return BigDecimal.valueOf(Math.round(value * 1000), 3).stripTrailingZeros().toPlainString();
  }

  @FunctionalInterface
  private interface Step {
    void run() throws XMLStreamException;
  }

  /** Writing to memory does not fail. */
  private static void write(Step step) {
    try {
      step.run();
    } catch (XMLStreamException e) {
      throw new IllegalStateException(e);
    }
  }
}
